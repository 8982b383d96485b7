"""The end of a thread, waited for within a bound: one that hangs in a call keeps no process from ending."""

from __future__ import annotations

import logging
import threading

_SECONDS = 5.0  #: ``sop up`` kills after 15 what it has told to stop

_log = logging.getLogger(__name__)


def wait_for(thread: threading.Thread) -> None:
    """Wait until a daemon thread that was told to end has ended, or leave it behind and say so."""
    thread.join(_SECONDS)
    if thread.is_alive():
        _log.warning("%s has not ended after %g s and is left behind", thread.name, _SECONDS)

"""Lets the writers of one SQLite file in one by one, in this process and in others.

SQLite makes writers try again and again, so that one which writes round after round can keep out another for
seconds. Here a writer passes the turnstile first and keeps it until it is in: whoever comes back waits
behind.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from adapters.errors import StoreUnavailable

if sys.platform != "win32":
    import fcntl

_GLANCE = 0.001  #: seconds between two tries


class Turnstile:
    """``path`` is a file of its own, made when it is missing; the system drops its lock when a process
    dies."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def held(self, *, patience: float) -> Iterator[None]:
        """Raises ``StoreUnavailable`` after ``patience`` seconds."""
        try:
            file = self._path.open("ab")
        except OSError as error:
            raise StoreUnavailable(f"cannot open {self._path.name}: {error.strerror}") from error
        with file:
            until = time.monotonic() + patience
            while not _locked(file):
                if time.monotonic() > until:
                    raise StoreUnavailable("the database is locked: too many wait to write")
                time.sleep(_GLANCE)
            yield


def _locked(file: IO[bytes]) -> bool:
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

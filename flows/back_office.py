"""Where flows find what tells staff and what keeps house, in this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.runtime import RuntimeNotInstalled

if TYPE_CHECKING:
    # Prefect's server loads this module with the worker's: it must not load the whole application.
    from flows.housekeeping import Housekeeping
    from flows.notifying import Notifying


@dataclass(frozen=True, slots=True)
class BackOffice:
    """``flows`` are the names of those whose runs are ours, where they are labelled with ``installation``."""

    notifying: Notifying
    housekeeping: Housekeeping
    flows: Sequence[str]
    installation: str


_installed: list[BackOffice] = []


@contextmanager
def install(office: BackOffice) -> Iterator[BackOffice]:
    """Make this the one of the process while the context is open."""
    _installed.append(office)
    try:
        yield office
    finally:
        _installed.remove(office)


def current() -> BackOffice:
    """The one of this process; raises `RuntimeNotInstalled`."""
    if not _installed:
        raise RuntimeNotInstalled
    return _installed[-1]


def stop() -> None:
    """Have the sweeps of this process end soon."""
    for office in _installed:
        office.housekeeping.stop()

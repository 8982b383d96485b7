"""Where a flow finds cases in this process: the page of one, what staff may ask of it, all at a glance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from adapters.steering import Steering
from flows.boards import Boards
from flows.exhibits import PageOf
from flows.runtime import RuntimeNotInstalled


@dataclass(frozen=True, slots=True)
class CaseDesk:
    """``page`` of a case by its id; ``steering`` finds cases by key and takes orders to them; ``boards`` are
    the dashboards; ``reporting`` is the command that writes a report."""

    page: PageOf
    steering: Steering
    boards: Boards
    reporting: tuple[str, ...]


_installed: list[CaseDesk] = []


@contextmanager
def install(desk: CaseDesk) -> Iterator[CaseDesk]:
    """Make this the desk of the process while the context is open."""
    _installed.append(desk)
    try:
        yield desk
    finally:
        _installed.remove(desk)


def current() -> CaseDesk:
    """The desk of this process; raises `RuntimeNotInstalled`."""
    if not _installed:
        raise RuntimeNotInstalled
    return _installed[-1]

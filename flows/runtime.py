"""The port through which flows reach the running process: replay, submit an event, drive an SOP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    # Prefect's server loads this module with the worker's: it must not load the whole application.
    from adapters.correction import Correction
    from adapters.dead_letters import Resent
    from flows.oncall import OnCall
    from flows.owner import Owner
    from flows.session import Session


class RuntimeNotInstalled(RuntimeError):
    """A flow ran in a process that holds no drive loop; run it on a worker of type `sop`."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class Runtime(Protocol):
    """The process that holds the store and the drive loop. Its methods may be awaited on any event loop."""

    @property
    def owner(self) -> Owner:
        """The worker that this process is, and its installation."""
        ...

    @property
    def on_call(self) -> OnCall:
        """What on-call staff may do here; its methods wait for the store."""
        ...

    async def replay(self, steps: Sequence[str], *, who: str, reason: str) -> Mapping[str, str | None]:
        """Perform parked steps again and wait for the outcome: None for success, else the error in words.

        A step that is not parked any more counts as success. Each step comes back in the answer.
        """
        ...

    async def submit(self, event: Mapping[str, object]) -> Mapping[str, object]:
        """Put an event (type, subject, data, id) in the inbox and say what became of it.

        The answer holds `status` (new, applied, deferred, ignored, refused, unmatched), and where known
        `case` and `reason`; keys only, never personal data.
        """
        ...

    async def resend(self, letter: int, changes: Correction, *, who: str, reason: str) -> Resent:
        """Send the letter of that number again, with `changes` to it; raises what `DeadLetters` raises."""
        ...

    async def drive(self, sop: str) -> Session:
        """Take what is ready of one SOP now, and return the closed session. It is not for the recorder."""
        ...


_installed: list[Runtime] = []


@contextmanager
def install(runtime: Runtime) -> Iterator[Runtime]:
    """Make this the runtime of the process while the context is open."""
    _installed.append(runtime)
    try:
        yield runtime
    finally:
        _installed.remove(runtime)


def is_installed() -> bool:
    """Whether this process holds a drive loop."""
    return bool(_installed)


def current() -> Runtime:
    """The runtime of this process; raises `RuntimeNotInstalled`."""
    if not _installed:
        raise RuntimeNotInstalled
    return _installed[-1]

"""The port to the outside world: one ``Adapter`` performs the commands of one prefix (``payment.``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from machines.kernel.command import Command
from machines.kernel.event import Event


@dataclass(frozen=True, slots=True)
class Later:
    """The provider has taken the command on and will say by event how it ended; if it has not within
    ``seconds``, it is asked again under the same key."""

    seconds: float


class Adapter(Protocol):
    """``limit`` bounds how many of its commands run at once in one worker."""

    limit: int

    async def perform(self, command: Command) -> Event | Later:
        """Do it, at most once per ``command.key``; answer with one of the command's outcomes, or ``Later``.

        Raises ``Unavailable`` when another try may help, ``Rejected`` when none will, and its ``OwnFault``
        when the provider was not even asked.
        """
        ...


@runtime_checkable
class Closing(Protocol):
    """An adapter that keeps connections."""

    async def close(self) -> None:
        """Give them back; called once, on the event loop that performed, when nothing is under way."""
        ...


@runtime_checkable
class Inquiry(Protocol):
    """What an adapter offers besides where its provider can be asked what became of a command."""

    async def look_up(self, command: Command) -> Event | None:
        """Ask by key and reference, doing nothing: the outcome that the command has had, or ``None`` if it
        certainly has not been done and is not being done.

        Raises ``Unavailable`` when another try may tell, ``Uncertain`` when the provider cannot say.
        """
        ...

"""The port to the outside world: one ``Adapter`` performs the commands of one prefix (``payment.``)."""

from __future__ import annotations

from typing import Protocol

from machines.kernel.command import Command
from machines.kernel.event import Event


class Adapter(Protocol):
    """``limit`` bounds how many of its commands run at once in one worker."""

    limit: int

    async def perform(self, command: Command) -> Event:
        """Do it, at most once per ``command.key``, and answer with one of the command's outcomes.

        Raises ``Unavailable`` when another try may help and ``Rejected`` when none will.
        """
        ...

"""One simulated provider: answers the commands of one prefix, counts its effects, fails on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zlib import crc32

import orjson

from adapters.errors import Rejected, Unavailable, Uncertain
from adapters.world.behaviour import BEHAVIOURS, Request
from adapters.world.book import Book, Line
from adapters.world.effect import effect_of
from adapters.world.faults import Failure, Faults, Strike
from adapters.world.purchases import LIMITS, PurchaseLimit, Purchases
from machines.kernel.command import Command, CommandType
from machines.kernel.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What all providers of one world share; ``latency`` is the mean of every answer, in seconds."""

    seed: int
    clock: Callable[[], datetime]
    purchases: Purchases  #: what limits per customer count
    faults: Faults
    book: Book | None = None
    latency: float = 0.0
    limits: tuple[PurchaseLimit, ...] = LIMITS
    asked: dict[str, str] = field(default_factory=dict)  #: effect -> first key, where there is no book

    def asked_before(self, command: Command) -> bool:
        """Whether the same effect was asked for, and answered, under another key."""
        effect = effect_of(command)
        if self.book is not None:
            return self.book.asked(effect, other_than=command.key)
        return self.asked.setdefault(effect, command.key) != command.key


class Provider:
    """The simulated other side of one command prefix; ``limit`` as in the port ``Adapter``."""

    limit = 256

    def __init__(self, commands: Mapping[str, CommandType], conditions: Conditions) -> None:
        self._commands = commands
        self._conditions = conditions

    async def perform(self, command: Command) -> Event:
        """One of the command's outcomes, the same for the same key. Raises ``Unavailable``, ``Rejected``."""
        kind = self._commands.get(command.name)
        if kind is None:
            raise Rejected(f"{command.name}: nobody in the simulated world knows this command")
        conditions = self._conditions
        strike = conditions.faults.strike(command.name, command.key, seed=conditions.seed)
        try:
            await self._undergo(command, strike)
            answer, first = await self._answer(command, kind)
        except (Unavailable, Rejected):
            await self._note_failure(command)
            raise
        if first:
            await self.happened(command, answer)
        if strike.failure is Failure.LOST_ANSWER:
            raise Unavailable(f"{command.name}: the connection broke before the answer came")
        return answer

    async def look_up(self, command: Command) -> Event | None:
        """What the book says of the command; faults of ``PREFIX.look-up`` befall the question itself.
        Raises ``Uncertain`` without a book, and ``Unavailable``."""
        kind, conditions = self._commands.get(command.name), self._conditions
        question = f"{command.name.partition('.')[0]}.look-up"
        await self._undergo(command, conditions.faults.strike(question, command.key, seed=conditions.seed))
        if kind is None or conditions.book is None:
            raise Uncertain(f"{command.name}: the simulated world keeps no book of what it did")
        line = conditions.book.find(command.key)
        return _read(line.answer, kind) if line and line.answered else None

    async def decide(self, command: Command, kind: CommandType) -> Event:
        """What this world answers when asked for the first time."""
        behaviour = BEHAVIOURS.get(command.name)
        unusual = behaviour(command.arguments, self._request(command)) if behaviour else None
        return unusual or next(iter(kind.possible(command.arguments)))

    def _request(self, command: Command) -> Request:
        conditions = self._conditions
        return Request(
            key=command.key,
            now=conditions.clock,
            again=lambda: conditions.asked_before(command),
            purchases=conditions.purchases,
            limits=conditions.limits,
        )

    async def happened(self, command: Command, answer: Event) -> None:
        """Called once per effect, when it is in the book."""

    async def _undergo(self, command: Command, strike: Strike) -> None:
        delay = strike.delay
        if self._conditions.latency:
            chance = crc32(f"{self._conditions.seed} {command.key}".encode()) / 2**32
            delay += self._conditions.latency * (0.5 + chance)
        if delay:
            await asyncio.sleep(delay)
        if strike.failure is Failure.ANSWERED:
            raise Unavailable(f"{command.name}: answered {strike.status}")
        if strike.failure is Failure.TIMEOUT:
            raise Unavailable(f"{command.name}: no answer within {strike.delay:g} s")
        if strike.failure is Failure.PERMANENT:
            raise Rejected(f"{command.name}: refused for good")

    async def _answer(self, command: Command, kind: CommandType) -> tuple[Event, bool]:
        """The answer, and whether its effect is a new one; with a book the effect is in it by then."""
        answer = await self.decide(command, kind)
        book = self._conditions.book
        if book is None:
            return answer, True
        ordinary = next(iter(kind.possible(command.arguments)))
        line = await book.enter(
            Line(
                key=command.key,
                command=command.name,
                effect=effect_of(command),
                answered=1,
                applied=int(type(answer) is type(ordinary)),
                answer=_written(answer),
            )
        )
        return (answer, True) if line.answered == 1 else (_read(line.answer, kind), False)

    async def _note_failure(self, command: Command) -> None:
        if self._conditions.book is not None:
            await self._conditions.book.enter(
                Line(key=command.key, command=command.name, effect=effect_of(command))
            )


def _written(answer: Event) -> str:
    return f"{answer.type} {answer.model_dump_json()}"


def _read(answer: str | None, kind: CommandType) -> Event:
    name, _, body = (answer or "").partition(" ")
    for outcome in kind.outcomes:
        if outcome.type == name:
            return outcome.model_validate(orjson.loads(body))
    raise Rejected(f"{kind.name}: the book holds the answer {name!r}, which is not among its outcomes")

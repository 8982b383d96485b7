"""What every procedure can ask of the office: a message to a customer and a call for a colleague."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from machines.kernel.command import CommandType
from machines.kernel.event import Email, Event, Facts, Outcome, Personal, Phone
from machines.kernel.procedure import Procedure


class Channel(StrEnum):
    EMAIL = "email"
    SMS = "sms"


class Buyer(Facts):
    """How to address and reach a customer. Messages go by ``channel``, or by e-mail where the telephone
    number that it needs is missing."""

    name: Personal
    email: Email
    phone: Phone | None = None
    channel: Channel = Channel.EMAIL


class Message(Facts):
    """A message to a customer: ``facts`` are what the template says about the case ``about``, ``deadlines``
    those that run there, so that the customer is told by when what happens."""

    template: str
    customer: str
    to: Buyer
    locale: str
    about: str
    facts: dict[str, str]
    deadlines: dict[str, datetime] = Field(default_factory=dict)

    @property
    def channel(self) -> Channel:
        return self.to.channel if self.to.phone else Channel.EMAIL


class MessageSent(Outcome, type="message.sent"):
    """The message is on its way; ``text`` is what was sent, with the name of the customer sealed."""

    template: str
    channel: Channel = Channel.EMAIL
    subject: str = ""
    text: str = ""


class MessageUndeliverable(Outcome, type="message.undeliverable"):
    """The customer cannot be reached at that address."""

    template: str


class Alert(Facts):
    """A call for a colleague of ``role`` to look at the case ``about``."""

    role: str
    about: str
    subject: str


class StaffAlerted(Outcome, type="staff.alerted"):
    """The colleague has been called."""


@dataclass(frozen=True, slots=True)
class MessageType(CommandType):
    """``message.send`` with one template."""

    template: str = ""

    def ask(self, data: object, event: Event, deadlines: Mapping[str, datetime]) -> Iterable[Facts]:
        told = {"deadlines": dict(deadlines)}
        return [message.model_copy(update=told) for message in self.arguments(data, event)]


def message(
    template: str, *, arguments: Callable[..., Iterable[Message]], fulfils: tuple[str, ...] = ()
) -> MessageType:
    return MessageType(
        name="message.send",
        arguments=arguments,
        outcomes=(MessageSent, MessageUndeliverable),
        possible=_sent_or_not,
        takes=Message,
        fulfils=fulfils,
        template=template,
    )


def templates(procedure: Procedure) -> set[str]:
    """Every letter that the procedure may send."""
    found = [command for state in procedure.states for command in state.does]
    found += [command for rule in procedure.rules for command in rule.does]
    return {command.template for command in found if isinstance(command, MessageType)}


def alert(*, arguments: Callable[..., Iterable[Alert]], fulfils: tuple[str, ...] = ()) -> CommandType:
    return CommandType(
        name="staff.alert",
        arguments=arguments,
        outcomes=(StaffAlerted,),
        possible=_alerted,
        takes=Alert,
        fulfils=fulfils,
    )


def _sent_or_not(asked: Message) -> Iterable[Event]:
    return MessageSent(template=asked.template), MessageUndeliverable(template=asked.template)


def _alerted(_: Any) -> Iterable[Event]:
    return (StaffAlerted(),)

"""The simulated post office: the one provider that is given personal fields, to address messages with.

Recipient: the customer. Purpose: service messages. Fields: name, e-mail address and telephone number. What is
sent lies in an outbox; nothing of it is logged. An address under ``.invalid`` cannot be reached, nor can one
with a line break, which would pass for a header. A message that puts a question goes out with the link to
answer it, which the procedure neither makes nor sees.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.errors import AdapterError, OwnFault, SealBroken, StoreUnavailable, Unavailable
from adapters.grouping import Group
from adapters.messages.rendering import Rendered, Renderer
from adapters.sealing import Disclosure, Vault
from adapters.world.provider import Conditions, Provider
from machines.kernel.command import Command, CommandType
from machines.kernel.event import CLEAN, SEALED, Event
from machines.messages import Channel, Message, MessageSent, MessageUndeliverable

TO_CUSTOMER = Disclosure(
    recipient="customer", purpose="service message", fields=frozenset({"name", "email", "phone"})
)


LINK = "[link]"  #: stands for it in what is kept with the case: whoever has the link may answer

Unsent = tuple[str, Message]  # with the idempotency key
Invite = Callable[[Sequence[Unsent]], Mapping[str, str]]
"""Key -> link to the page on which the question in that message is answered."""


@dataclass(frozen=True, slots=True, repr=False)
class Sent:
    """One message as its recipient gets it; kept out of logs by having no printed form."""

    key: str
    message: Message
    address: str
    words: Rendered  #: as they are kept with the case, with neither name nor link
    text: str
    link: str | None = None


class Outbox:
    """Counts what was sent and keeps the last ``kept``; with a ``folder``, each message is a file in it that
    only its owner can read."""

    def __init__(self, *, kept: int = 50, folder: Path | None = None) -> None:
        self.count = 0
        self.last: deque[Sent] = deque(maxlen=kept)
        self._folder = folder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def put(self, sent: Sent) -> None:
        self.count += 1
        self.last.append(sent)
        if self._folder is not None:
            path = self._folder / (re.sub(r"[^\w.-]+", "_", sent.key) + ".txt")
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(f"To: {sent.address}\nSubject: {sent.words.subject}\n\n{sent.text}")


class PostOffice(Provider):
    """Sends messages; opens the address of each for the time of sending. Without a ``vault`` sealed fields
    stay sealed, in the outbox too."""

    def __init__(
        self,
        commands: Mapping[str, CommandType],
        conditions: Conditions,
        *,
        vault: Vault | None,
        outbox: Outbox,
        renderer: Renderer,
        invite: Invite | None = None,
    ) -> None:
        super().__init__(commands, conditions)
        self._vault = vault
        self._renderer = renderer
        self._invite = invite
        threaded = vault is not None or invite is not None
        self._addressing: Group[Unsent, Sent] = Group(self._address, threaded=threaded)
        self._ready: dict[str, Sent] = {}  # addressed, by key, while the command is performed
        self.outbox = outbox

    async def perform(self, command: Command) -> Event:
        try:
            return await super().perform(command)
        finally:
            self._ready.pop(command.key, None)

    async def decide(self, command: Command, kind: CommandType) -> Event:
        if not isinstance(command.arguments, Message):
            return await super().decide(command, kind)
        message = command.arguments
        try:
            sent = await self._addressing.do((command.key, message))
        except StoreUnavailable as error:
            raise Unavailable(f"{command.name}: {error}") from None
        except SealBroken as error:
            raise OwnFault(f"{command.name}: {error}") from None
        if sent.address.endswith(".invalid") or not re.fullmatch(CLEAN, sent.address):
            return MessageUndeliverable(template=message.template)
        self._ready[command.key] = sent
        words = sent.words
        return MessageSent(
            template=message.template, channel=message.channel, subject=words.subject, text=words.text
        )

    async def happened(self, command: Command, answer: Event) -> None:
        sent = self._ready.get(command.key)
        if sent is not None:
            self.outbox.put(sent)

    def _address(self, messages: list[Unsent]) -> Sequence[Sent | Exception]:
        """Address a group of messages, with one look-up of keys and one of questions for all."""
        links = self._invite(messages) if self._invite else {}
        if self._vault is not None:
            self._vault.warm([token for _, message in messages for token in _tokens(message)])
        return [self._addressed(key, message, link=links.get(key)) for key, message in messages]

    def _addressed(self, key: str, message: Message, *, link: str | None) -> Sent | Exception:
        try:
            words = self._renderer.render(message, channel=message.channel, link=LINK if link else "")
            tokens = _tokens(message)
            opened = self._vault.open_tokens(tokens, disclosure=TO_CUSTOMER) if self._vault else {}
        except AdapterError as error:  # concerns this message only
            return error
        address, text = _address_of(message), words.text.replace(LINK, link or "")
        for token, clear in opened.items():
            text = text.replace(token, clear)
        return Sent(key, message, opened.get(address, address), words, text, link)


def _address_of(message: Message) -> str:
    to = message.to
    return to.phone if message.channel is Channel.SMS and to.phone else to.email


def _tokens(message: Message) -> list[str]:
    return [value for value in (message.to.name, _address_of(message)) if value.startswith(SEALED)]

"""Links by which a customer answers one question: unguessable, good for one question while it is open.

A token is its question and last day, encrypted and authenticated (AES-SIV, RFC 5297) under a key derived from
the master key for this purpose alone. Nothing is stored, and nothing can be read in the address.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from adapters.asking.questions import Question, Questions
from adapters.master_key import MasterKeys
from machines.catalogue import Catalogue
from machines.kernel.state import Ask
from machines.messages import Message, MessageType

_PURPOSE = b"answer by link"
_BOUND_TO = [b"sop link 1"]
_LONGEST = 600
_COMMAND = re.compile(r"(?P<case>.+)/message\.send/\d+(/\d+)?")


class BadLink(Exception):
    """Not a link of ours, or one that was changed on the way."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a token says. It answers its question while that is open; what became of it, it tells until
    ``ends``."""

    question: str
    ends: datetime


class Links:
    """Makes and reads links below ``base``; they tell of a question that is closed for ``days``."""

    def __init__(self, master: MasterKeys, *, base: str, days: int, clock: Callable[[], datetime]) -> None:
        self._ciphers = [AESSIV(key) for key in master.derived(_PURPOSE)]
        self._base = base.rstrip("/")
        self._days = days
        self._clock = clock

    def url(self, question: str) -> str:
        """The address for a question; the same all day long, so that a message sent again is the same."""
        return f"{self._base}/answer/{self.token(question)}"

    def token(self, question: str) -> str:
        # Through the whole of its last day.
        day = (self._clock() + timedelta(days=self._days + 1)).date()
        sealed = self._ciphers[0].encrypt(f"{day:%Y%m%d}{question}".encode(), _BOUND_TO)
        return urlsafe_b64encode(sealed).decode().rstrip("=")

    def read(self, token: str) -> Link:
        """Raises ``BadLink``."""
        if len(token) > _LONGEST:
            raise BadLink
        try:
            sealed = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            raise BadLink from None
        if urlsafe_b64encode(sealed).decode().rstrip("=") != token:
            raise BadLink  # the decoder passes over what is no base64, and one link would have many spellings
        for cipher in self._ciphers:
            try:
                text = cipher.decrypt(sealed, _BOUND_TO).decode()
            except (InvalidTag, ValueError):
                continue
            ends = datetime.strptime(text[:8], "%Y%m%d").replace(tzinfo=UTC)
            return Link(question=text[8:], ends=ends)
        raise BadLink


class Invitations:
    """The links that belong into messages: those with which an Ask state asks or reminds the customer."""

    def __init__(self, questions: Questions, *, links: Links, catalogue: Catalogue) -> None:
        self._questions = questions
        self._links = links
        self._asking = _templates(catalogue)

    def __call__(self, messages: Sequence[tuple[str, Message]]) -> Mapping[str, str]:
        """Key of the command -> link, for those of the messages that put an open question.

        One look into the store for all. Raises ``StoreUnavailable``.
        """
        cases = {key: case for key, message in messages if (case := self._case(key, message))}
        if not cases:
            return {}
        asked = {each.case.id: each for each in self._questions.open(cases=set(cases.values()))}
        return {
            key: self._links.url(question.id)
            for key, message in messages
            if (question := asked.get(cases.get(key, ""))) and self._puts(message, question)
        }

    def _case(self, key: str, message: Message) -> str | None:
        found = _COMMAND.fullmatch(key) if message.template in self._asking else None
        return found["case"] if found else None

    def _puts(self, message: Message, question: Question) -> bool:
        return question.for_customer and (question.case.sop, question.case.state) in self._asking.get(
            message.template, ()
        )


def _templates(catalogue: Catalogue) -> dict[str, set[tuple[str, str]]]:
    """Template -> the (procedure, state) in which the customer is asked with it."""
    found: dict[str, set[tuple[str, str]]] = {}
    for procedure in catalogue:
        asks = [state for state in procedure.states if isinstance(state, Ask)]
        sent: Iterable[tuple[Ask, object]] = [
            *((state, command) for state in asks for command in state.does),
            *(
                (state, command)
                for rule in procedure.rules
                for state in rule.at
                if isinstance(state, Ask)
                for command in rule.does
                if rule.to is None
            ),
        ]
        for state, command in sent:
            if isinstance(command, MessageType):
                found.setdefault(command.template, set()).add((procedure.name, state.name))
    return found

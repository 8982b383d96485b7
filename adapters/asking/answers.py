"""An answer becomes an event: the same, checked in the same way, whoever gives it and wherever."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import orjson

from adapters.asking import staff
from adapters.asking.questions import Closing, Question, Questions
from adapters.intake import Intake
from adapters.store.base import Store
from adapters.store.records import InboxStatus

_PATIENCE_SECONDS = 10.0
_LOOK_SECONDS = 0.05


class Became(StrEnum):
    TAKEN = "taken"  #: the case goes on with it
    REFUSED = "refused"  #: the case does not take this answer; the question is open still
    LATE = "late"  #: the question was closed before
    WAITING = "waiting"  #: committed, and nobody has decided yet


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an answer; ``reason`` says why it was not taken, ``title`` is where the case stands,
    ``said`` the answer in short as far as staff gave it in a form."""

    became: Became
    reason: str = ""
    title: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """An answer that is committed as the event ``id`` of ``source``, for the case to decide about."""

    question: Question
    source: str
    id: str


class Answers:
    """Puts answers in the inbox and waits for what becomes of them."""

    def __init__(
        self,
        questions: Questions,
        *,
        intake: Intake,
        store: Store,
        patience: float = _PATIENCE_SECONDS,
    ) -> None:
        self._questions = questions
        self._intake = intake
        self._store = store
        self.patience = patience  #: seconds to wait for the decision

    def give(
        self, question: Question, data: Mapping[str, object], *, source: str, id: str | None = None
    ) -> Answer:
        """Answer ``question`` as with ``put``, and wait for what becomes of it."""
        given = self.put(question, data, source=source, id=id)
        return given if isinstance(given, Answer) else self._await(given)

    def put(
        self, question: Question, data: Mapping[str, object], *, source: str, id: str | None = None
    ) -> Given | Answer:
        """Commit an answer to ``question``, the payload of its form; one that comes too late is told at once.
        The same ``id`` again is the same answer. Without one, the same payload is until the case has decided.

        Raises ``InvalidEvents`` when the payload does not fit the form, ``StoreUnavailable``.
        """
        payload = {**question.ask.settles(question.case.data), **data}
        if "customer" in question.form.model_fields and question.customer:
            payload.setdefault("customer", question.customer)
        event: dict[str, object] = {
            "specversion": "1.0",
            "id": id or _identity(question, payload),
            "source": source,
            "type": question.form.type,
            "subject": question.case.key,
            "data": payload,
        }
        if question.customer:
            event["customer"] = question.customer
        closing = self._questions.closing(question.id)
        known = self._store.letter(source=source, id=str(event["id"]))
        if closing is not None and known is None:
            return late(closing)
        (accepted,) = self._intake.accept([event])
        return Given(question, accepted.source, accepted.id)

    def look(self, given: Given) -> Answer | None:
        """What has become of an answer; None while nobody has decided. Raises ``StoreUnavailable``."""
        row = self._store.letter(source=given.source, id=given.id)
        if row is not None and row.status is InboxStatus.NEW:
            return None
        if row is None or row.status is InboxStatus.DEFERRED:
            return undecided(given)  # the case is on hold, and takes it when it goes on
        closing = self._questions.closing(given.question.id)
        if row.status is InboxStatus.APPLIED:
            return Answer(Became.TAKEN, title=closing.title if closing else given.question.ask.title)
        return late(closing) if closing else Answer(Became.REFUSED, reason=row.reason)

    def give_to(
        self, id: str, values: Mapping[str, object], *, source: str, letter: str, who: str = ""
    ) -> Answer:
        """Answer the question named ``id`` with what a colleague, ``who``, filled in; given under the same
        ``letter`` before, it is that answer. Raises like ``give``."""
        question = self._questions.find(id)
        if question is not None:
            form, currency = question.form, question.currency
            data = staff.payload(form, values, currency=currency, who=who)
            said = staff.in_short(form, data, currency=currency)
            return replace(self.give(question, data, source=source, id=letter), said=said)
        closing = self._questions.closing(id)
        row = self._store.letter(source=source, id=letter)
        if row is not None and row.status is InboxStatus.APPLIED and closing is not None:
            return Answer(Became.TAKEN, title=closing.title)
        return late(closing) if closing else Answer(Became.LATE, reason="the case does not ask this any more")

    def given(self, *, source: str, letter: str) -> Answer | None:
        """The answer given under that ``letter``, if its case has taken it."""
        row = self._store.letter(source=source, id=letter)
        if row is None or row.status is not InboxStatus.APPLIED:
            return None
        return Answer(Became.TAKEN, title=self._questions.place(row.letter.case))

    def _await(self, given: Given) -> Answer:
        until = time.monotonic() + self.patience
        while (answer := self.look(given)) is None:
            if time.monotonic() > until:
                return undecided(given)
            time.sleep(_LOOK_SECONDS)
        return answer


def undecided(given: Given) -> Answer:
    """The answer while nobody has decided."""
    return Answer(Became.WAITING, title=given.question.ask.title)


def late(closing: Closing) -> Answer:
    """The answer to an answer that comes too late: who or what came first."""
    return Answer(Became.LATE, reason=str(closing), title=closing.title)


def source_of(way: str, who: str) -> str:
    """``sop-answer:J.Berg``: the way an answer came and who gave it, as the journal shows it."""
    name = re.sub(r"[^\w-]+", ".", who).strip(".")[:100]
    return f"{way}:{name}" if name else way


def _identity(question: Question, payload: Mapping[str, object]) -> str:
    """The same for what is sent twice in a row, so that a double click does nothing twice. What was refused
    and is said again later is another answer: the case may take it by then."""
    said = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS, default=str)
    asked = f"{question.id} {question.case.seq}\n".encode()
    return hashlib.sha256(asked + said).hexdigest()[:40]

"""What staff read about a question in the Prefect UI: name, tags, what is known, the form."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from adapters.asking import staff
from adapters.asking.questions import Question
from flows.wording import MOST_ROWS, LogLine
from machines.attention import ASKED, priority

#: The field of every form that says who answers; it is not part of the event.
ANSWERED_BY = "answered_by"
#: The field of a grouped form that says which case is answered.
CASE = "case"


def name(question: Question) -> str:
    """`SO-1001: In review`."""
    return f"{question.case.key}: {question.ask.title}"


def tags(question: Question) -> list[str]:
    """What staff filter by."""
    case = question.case
    about = [f"sop:{case.sop}", f"case:{case.key}", f"state:{case.state}"]
    how = f"priority:{priority(case)}" if priority(case) else ""
    return [*about, *filter(None, (how,)), f"role:{question.role}", f"attention:{ASKED}", "question"]


def message(question: Question) -> str:
    """What stands beside the badge."""
    return f"asks {question.role}{_until(question)}"


def table_key(question: Question) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"question-{question.case.sop}-{question.case.state}".lower())


def log_line(question: Question) -> LogLine:
    """The question and all that is known, for who opens the run."""
    asked = [question.ask.text, f"Asked: {question.role}", *_limits(question)]
    known = _facts(question.known)
    text = "\n".join([*asked, *_words(question), "Known:", *known, "Press Resume and fill in the form."])
    return LogLine(question.since, logging.INFO, text)


def news(question: Question, *, since: Mapping[str, str]) -> LogLine:
    """What is known and was not `since`, and who is asked by now."""
    new = {label: value for label, value in question.known.items() if since.get(label) != value}
    text = "\n".join(["Known by now:", *_facts(new), f"Asked: {question.role}", *_limits(question)])
    return LogLine(datetime.now(UTC), logging.INFO, text)


def description(question: Question, *, note: str = "") -> str:
    """What the form says above its fields; `note` is what became of the answer before."""
    parts = [f"**{_text(note)}**"] if note else []
    parts.append(_text(question.ask.text))
    head = [f"**{_text(question.role)}** is asked.", *map(_text, _limits(question)), *_words(question)]
    parts.append("  \n".join(head))
    known = list(question.known.items())
    parts.append("\n".join(f"- {_text(label)}: {_text(value)}" for label, value in known[:_MOST_FACTS]))
    if staff.needs_personal(question.form):
        parts.append(
            "The answer holds personal fields, which have no place here: use "
            f"`sop answer {question.case.id} --json FILE`."
        )
    return "\n\n".join(part for part in parts if part)


def schema(
    question: Question, *, among: Sequence[Question] = (), said: Mapping[str, object] | None = None
) -> dict[str, object]:
    """The form: the event's own fields, who answers, and where it is one `among` others which case; what was
    `said` before is filled in."""
    currencies = {question.currency, *(other.currency for other in among)}
    currency = question.currency if len(currencies) == 1 else "the currency of the case"
    form = staff.schema(question.form, currency=currency, said=said)
    asked = form["properties"]
    assert isinstance(asked, dict)
    before: dict[str, object] = {CASE: _CASE} if among else {}
    who = _ANSWERED_BY | ({"default": said[ANSWERED_BY]} if said and ANSWERED_BY in said else {})
    form["properties"] = _placed({**before, **asked, ANSWERED_BY: who})
    required = form["required"]
    assert isinstance(required, list)
    form["required"] = [*before, *required, ANSWERED_BY]
    return form


def group_name(questions: Sequence[Question], *, count: int) -> str:
    """`order: In review x 412`."""
    first = questions[0]
    return f"{first.case.sop}: {first.ask.title} x {count}"


def group_tags(questions: Sequence[Question]) -> list[str]:
    first = questions[0]
    about = [f"sop:{first.case.sop}", f"state:{first.case.state}"]
    return [*about, *(f"role:{role}" for role in roles(questions)), f"attention:{ASKED}", "question"]


def roles(questions: Sequence[Question]) -> list[str]:
    """Who is asked by now: some ladders are climbed further than others."""
    return sorted({question.role for question in questions})


def group_description(questions: Sequence[Question], *, note: str = "") -> str:
    first = questions[0]
    told = [f"**{_text(note)}**"] if note else []
    told.append(f"{_text(first.ask.text)} {len(questions)} cases ask this; the table lists them.")
    return "\n\n".join(told)


def group_rows(questions: Sequence[Question]) -> list[dict[str, str]]:
    """The questions as table rows, the most urgent first."""
    return [
        {
            "case": question.case.key,
            "asks": question.role,
            "since": f"{question.since:%Y-%m-%d %H:%M} UTC",
            "until": f"{question.due.due:%Y-%m-%d %H:%M} UTC" if question.due else "",
            "known": "; ".join(f"{label}: {value}" for label, value in list(question.known.items())[:6]),
        }
        for question in sorted(questions, key=lambda q: q.due.due if q.due else q.since)[:MOST_ROWS]
    ]


def said(values: Mapping[str, object]) -> tuple[dict[str, object], str, str]:
    """(payload, who, case) of what was filled in."""
    payload = {field: value for field, value in values.items() if field not in (ANSWERED_BY, CASE)}
    return payload, str(values.get(ANSWERED_BY) or ""), str(values.get(CASE) or "").strip()


_MOST_LIMITS = 2
_MOST_FACTS = 20  #: above a form; the log of the run has all
_ANSWERED_BY = {
    "title": "Your name",
    "type": "string",
    "minLength": 1,
    "maxLength": 100,
    "description": "For the journal.",
}
_CASE = {"title": "Case", "type": "string", "maxLength": 64, "description": "The key of the case."}


def _placed(properties: Mapping[str, object]) -> dict[str, object]:
    """Numbered, because Prefect sorts a form by position."""
    return {
        label: {**part, "position": place} if isinstance(part, dict) else part
        for place, (label, part) in enumerate(properties.items())
    }


def _until(question: Question) -> str:
    if question.due is None or question.deadline is None:
        return ""
    due = f"{question.due.due:%Y-%m-%d %H:%M} UTC"
    return f", until {due}, then: {question.deadline.text.rstrip('.')}"


def _limits(question: Question) -> Iterator[str]:
    """By when, and what happens then; the nearest first."""
    for timer, deadline in question.limits[:_MOST_LIMITS]:
        yield f"Until {timer.due:%a %Y-%m-%d %H:%M} UTC, then: {deadline.text}"


def _facts(known: Mapping[str, str]) -> list[str]:
    return [f"  {label}: {value}" for label, value in known.items()]


def _words(question: Question) -> Iterator[str]:
    if question.heard:
        yield f"What the customer wrote is sealed; read it with: sop words {question.case.id}"


def _text(value: str) -> str:
    """As text in Markdown, whatever a system sent us."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", value)

"""The handbook: a page for each procedure and an index, in Markdown, made from the definitions alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel

from adapters.handbook.diagram import diagram, moves, plain
from adapters.messages.rendering import subject_of
from machines.approvals import Approval, approval_of
from machines.kernel.clock import Clock
from machines.kernel.command import CommandType
from machines.kernel.duration import Duration
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Disposition
from machines.kernel.state import Ask, Deadline, End, State
from machines.messages import MessageType
from machines.obligations import OBLIGATIONS, fulfilled
from machines.policy import Policy
from machines.scenario import Scenario
from machines.shown import SHOWN

_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    undefined=StrictUndefined,
    autoescape=False,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class StateView:
    title: str
    text: str
    lines: list[str]
    leaves: list[tuple[str, list[str]]]


@dataclass(frozen=True, slots=True)
class LimitView:
    name: str
    length: str
    text: str


@dataclass(frozen=True, slots=True)
class ClockView:
    name: str
    text: str
    budget: str
    pauses: str
    told: str
    alerts: str


@dataclass(frozen=True, slots=True)
class MessageView:
    template: str
    subject: str
    places: list[str]


@dataclass(frozen=True, slots=True)
class TermView:
    name: str
    usual: str
    text: str


def handbook(
    procedures: Iterable[Procedure],
    *,
    policy: Policy,
    approvals: Iterable[Approval],
    scenarios: Mapping[str, Scenario],
) -> Mapping[str, str]:
    """File name -> Markdown. Deadlines are as long as ``policy`` says; ``scenarios`` go by name."""
    known, given = tuple(procedures), tuple(approvals)
    by_id = fulfilled(known)
    pages = {f"{one.name}.md": _page(one, policy, approval_of(one, given), by_id) for one in known}
    index = _PAGES.get_template("index.md.j2").render(
        procedures=known, obligations=_obligations(by_id), scenarios=list(_scenarios(scenarios))
    )
    return {"README.md": _tidy(index), **pages}


def _page(
    procedure: Procedure, policy: Policy, approval: Approval | None, by_id: Mapping[str, tuple[str, ...]]
) -> str:
    own = {
        id: places
        for id, all_places in by_id.items()
        if (places := tuple(place for place in all_places if re.match(rf"{procedure.name}\b", place)))
    }
    return _tidy(
        _PAGES.get_template("page.md.j2").render(
            procedure=procedure,
            approval=approval,
            diagram=diagram(procedure),
            states=[_state(state, procedure, policy) for state in procedure.states],
            limits=[
                LimitView(_words(name), _length(procedure, limit, policy), limit.text)
                for name, limit in procedure.deadlines.items()
            ],
            clocks=[_clock(clock, procedure, policy) for clock in procedure.clocks],
            messages=_messages(procedure),
            terms=list(_terms(procedure)),
            obligations=_obligations(own),
        )
    )


def _state(state: State, procedure: Procedure, policy: Policy) -> StateView:
    lines = list(_doing(state))
    lines += [
        f"{_when(procedure, limit, policy)}: {limit.text[0].lower()}{limit.text[1:]}"
        for limit in state.deadlines
    ]
    if state.no_deadline:
        lines.append(f"No time limit, because {state.no_deadline}.")
    if state.fulfils:
        lines.append(f"Fulfils {', '.join(state.fulfils)}.")
    leaves: dict[str, list[str]] = {}
    for rule in procedure.rules:
        if state in rule.at and rule.disposition is Disposition.HANDLED:
            targets = leaves.setdefault(plain(rule.event), [])
            targets += [one.title for one in moves(rule, state) if one.title not in targets]
    return StateView(state.title, state.text, lines, [(event, to) for event, to in leaves.items() if to])


def _doing(state: State) -> Iterator[str]:
    if isinstance(state, Ask):
        ladder = ", then ".join((state.role, *state.ladder))
        yield f"Asks {ladder}: {', '.join(map(_words, state.form.model_fields)) or 'nothing but yes'}."
    if isinstance(state, End):
        yield f"The case has ended: {state.outcome}."
    for command in state.does:
        yield f"Does {_command(command)}."


def _command(command: CommandType) -> str:
    if isinstance(command, MessageType):
        return f"send the message *{subject_of(command.template)}*"
    return f"`{command.name}`, up to {command.retry.attempts} times"


def _when(procedure: Procedure, limit: Deadline, policy: Policy) -> str:
    length = _length(procedure, limit, policy)
    return f"{length[0].upper()}{length[1:]}" if limit.until else f"Within {length}"


def _length(procedure: Procedure, limit: Deadline, policy: Policy) -> str:
    if limit.until is not None:
        return limit.until.text
    length = str(policy.usual(procedure.name, limit)[0])
    return f"{length}, again and again" if limit.repeats else length


def _clock(clock: Clock, procedure: Procedure, policy: Policy) -> ClockView:
    budget = policy.clocks.get(f"{procedure.name}.{clock.name}", clock.budget)
    rungs = [
        f"{rung.whom} at {rung.at} %"
        + (f", to be acknowledged within {rung.acknowledge_within}" if rung.acknowledge_within else "")
        for rung in clock.ladder
    ]
    return ClockView(
        _words(clock.name),
        clock.text,
        str(budget) if isinstance(budget, Duration) else "depends on the case",
        (", ".join(state.title for state in clock.pauses_in) or "never")
        + ("; a hold does not pause it" if clock.statutory else ""),
        ", ".join(f"{percent} %" for percent in clock.percents),
        "; ".join(rungs) or "none",
    )


def _messages(procedure: Procedure) -> list[MessageView]:
    places: dict[str, list[str]] = {}
    for state in procedure.states:
        for command in state.does:
            _note(places, command, f"on entering *{state.title}*")
    for rule in procedure.rules:
        for command in rule.does:
            _note(places, command, f"on `{plain(rule.event)}`")
    return [MessageView(template, subject_of(template), where) for template, where in sorted(places.items())]


def _note(places: dict[str, list[str]], command: CommandType, where: str) -> None:
    if isinstance(command, MessageType):
        found = places.setdefault(command.template, [])
        if where not in found:
            found.append(where)


def _terms(procedure: Procedure) -> Iterator[TermView]:
    if procedure.terms is None:
        return
    usual = procedure.terms()
    for name, field in procedure.terms.model_fields.items():
        yield TermView(f"`{name}`", _shown(getattr(usual, name)), field.description or "")


def _shown(value: object) -> str:
    """As a person writes it; sets in order, or two runs would differ."""
    if isinstance(value, frozenset | set):
        return _shown(tuple(sorted(map(str, value))))
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_shown(part)}" for name, part in value.items()) or "none"
    if isinstance(value, tuple | list):
        return ", ".join(map(_shown, value)) or "none"
    if isinstance(value, BaseModel) and not hasattr(type(value), "__add__"):
        parts = [f"{name.replace('_', ' ')} {_shown(part)}" for name, part in value if part is not None]
        return f"({'; '.join(parts)})"
    return str(value)


def _obligations(by_id: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(id, OBLIGATIONS[id], by_id[id]) for id in OBLIGATIONS if id in by_id]


def _scenarios(scenarios: Mapping[str, Scenario]) -> Iterator[tuple[str, str, list[str]]]:
    """What is shown, in a sentence, and by which scenarios."""
    for id, text in SHOWN.items():
        names = [name for name, scenario in scenarios.items() if id in scenario.shows]
        if names:
            yield id, text, names


def _words(name: str) -> str:
    return name.replace("_", " ")


def _tidy(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"

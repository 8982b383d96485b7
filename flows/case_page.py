"""The page of one case, as a Markdown artifact: where it stands and why, and everything that led there.

No personal data; what systems and staff wrote is text and never markup.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.case_view import CaseView, ClockView, DeadlineView, EntryView
from flows.markdown import at, table, text
from machines.attention import attention, priority
from machines.kernel.case import Case
from machines.kernel.definition import Definition
from machines.kernel.rule import Disposition
from machines.kernel.state import DEADLINE, State

_MOST_ENTRIES = 60  #: of the timeline; `sop show` has all
_MOST_WAYS = 12  #: out of the state in which the case stands, in the diagram
_MOST_TITLES = 4
_MOST_STEPS = 25  #: of its way there
_LONGEST = 300  #: characters of a reason


@dataclass(frozen=True, slots=True)
class RunLink:
    """A flow run about the case."""

    id: str
    name: str
    state: str
    at: datetime
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CasePage:
    """All that is told of one case but for its runs; ``key`` names its artifact."""

    view: CaseView
    title: str
    key: str
    tags: tuple[str, ...]
    parts: tuple[str, ...]
    diagram: str

    def markdown(self, runs: Sequence[RunLink] = ()) -> str:
        """The diagram comes last: one of Prefect's two interfaces draws it, the other shows its source."""
        parts = (*self.parts, _runs(runs) if runs else "", self.diagram)
        return "\n\n".join(part for part in parts if part) + "\n"


def artifact_key(sop: str, key: str) -> str:
    """``order-so-1001``: Prefect takes lower-case letters, digits and dashes. Keys that would look the same
    get a mark that tells them apart."""
    plain = re.sub(r"[^a-z0-9]+", "-", f"{sop}-{key}".lower()).strip("-")
    if re.fullmatch(r"[A-Z0-9]+(-[A-Z0-9]+)*", key):
        return plain
    return f"{plain}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def case_page(view: CaseView, case: Case, definition: Definition, *, now: datetime) -> CasePage:
    """``view`` and ``case`` are the same, read once."""
    state = definition.state(case.state)
    needs = attention(definition, case, now=now)
    parts = [
        _head(view, state, needs=needs, urgency=priority(case)),
        _limits(view),
        _course(view, definition),
        _timeline(view, definition),
        _messages(view),
        _steps(view),
        _links(view),
    ]
    tags = (f"sop:{view.sop}", f"case:{view.key}")
    key = artifact_key(view.sop, view.key)
    return CasePage(view, state.title, key, tags, tuple(parts), diagram(view, definition))


def _head(view: CaseView, state: State, *, needs: Iterable[str], urgency: str) -> str:
    lines = [f"# {text(view.id)}: {text(state.title)}", "", text(state.text), ""]
    if view.hold:
        lines += [
            f"**On hold** since {at(view.hold.since)} UTC, "
            f"by {text(view.hold.by)}: {text(view.hold.reason)}. "
            "Nothing is started, no time is used up but what the law sets, and what comes is kept until it "
            "is resumed.",
            "",
        ]
    facts = {
        "Needs attention": ", ".join(needs),
        "Priority": urgency,
        "Looked after by": view.assignee or "",
        "Opened": f"{at(view.journal[0].at)} UTC" if view.journal else "",
        "Last entry": f"{at(view.journal[-1].at)} UTC" if view.journal else "",
    }
    lines += [f"- **{name}**: {text(value)}" for name, value in facts.items() if value]
    return "\n".join(lines)


def _limits(view: CaseView) -> str:
    limits: list[DeadlineView | ClockView] = [*view.deadlines, *view.clocks]
    if not limits:
        return ""
    lines = ["## Deadlines", ""]
    for one in limits:
        lines.append(f"- **{text(one.name.replace('_', ' '))}**: {text(one.text)}")
        lines += [f"  - {text(because)}" for because in one.because]
    return "\n".join(lines)


def _course(view: CaseView, definition: Definition) -> str:
    """The way that the case has come and where it can go from here, in words."""
    names = [entry.after for entry in view.journal if entry.before != entry.after][-_MOST_STEPS:]
    way = [text(_title(name, definition)) for name in names[:-1]] if names else []
    here = f"**{text(_title(view.state, definition))}**"
    lines = ["## Where it stands", "", " → ".join([*way, here]), ""]
    ahead = [(text(", ".join(events)), text(_several(titles))) for titles, events in _ways(view, definition)]
    if ahead:
        lines += table(("From here, on", "it goes to"), ahead)
    return "\n".join(lines)


def diagram(view: CaseView, definition: Definition) -> str:
    """The same as a Mermaid flow chart, with the state in which the case stands marked."""
    moves = [entry for entry in view.journal if entry.before != entry.after][-_MOST_STEPS:]
    names = dict.fromkeys([*(name for move in moves for name in (move.before, move.after)), view.state])
    nodes = {name: f"s{number}" for number, name in enumerate(names)}
    lines = ["flowchart TD"]
    lines += [f'    {node}["{_label(_title(name, definition))}"]' for name, node in nodes.items()]
    told: dict[tuple[str, str], list[str]] = {}
    for number, move in enumerate(moves, 1):
        told.setdefault((move.before, move.after), []).append(f"{number}. {_event(move.event)}")
    for (before, after), events in told.items():
        lines.append(f'    {nodes[before]} -->|"{_label(", ".join(events))}"| {nodes[after]}')
    for number, (titles, events) in enumerate(_ways(view, definition)):
        lines.append(f'    n{number}("{_label(_several(titles))}")')
        lines.append(f'    {nodes[view.state]} -.->|"{_label(", ".join(events))}"| n{number}')
    lines += [
        "    classDef here fill:#1860f2,stroke:#0b3aa0,stroke-width:3px,color:#ffffff",
        f"    class {nodes[view.state]} here",
    ]
    return "\n".join(["## Diagram", "", "```mermaid", *lines, "```"])


def _ways(view: CaseView, definition: Definition) -> list[tuple[tuple[str, ...], list[str]]]:
    """(titles of states, events that can lead to one of them), but back to where the case stands."""
    found: dict[str, list[str]] = {}
    for rule in definition.procedure.rules:
        if rule.disposition is Disposition.HANDLED and any(one.name == view.state for one in rule.at):
            titles = [target.title for target in rule.targets if target.name != view.state]
            found.setdefault(rule.event, []).extend(titles)
    ways: dict[tuple[str, ...], list[str]] = {}
    for event, titles in found.items():
        if titles:
            ways.setdefault(tuple(dict.fromkeys(titles)), []).append(_event(event))
    return list(ways.items())[:_MOST_WAYS]


def _title(name: str, definition: Definition) -> str:
    state = definition.states.get(name)
    return state.title if state else name


def _several(titles: Sequence[str]) -> str:
    more = len(titles) - _MOST_TITLES
    return ", ".join(titles[:_MOST_TITLES]) + (f" and {more} more" if more > 0 else "")


def _timeline(view: CaseView, definition: Definition) -> str:
    entries = view.journal[-_MOST_ENTRIES:]
    rows = [
        (
            at(entry.at),
            text(_event(entry.event)),
            text(entry.source),
            text(_became(entry, definition)),
            text(entry.reason[:_LONGEST]),
        )
        for entry in reversed(entries)
    ]
    left_out = len(view.journal) - len(entries)
    note = f"\n\n{left_out} earlier entries are left out; `sop show` has them." if left_out else ""
    lines = table(("When (UTC)", "What", "From", "Then", "Because"), rows)
    return "\n".join(["## Timeline", "", *lines]) + note


def _became(entry: EntryView, definition: Definition) -> str:
    if entry.disposition != Disposition.HANDLED:
        return entry.disposition
    if entry.before == entry.after:
        return ""
    return _title(entry.after, definition)


def _messages(view: CaseView) -> str:
    if not view.messages:
        return ""
    rows = [
        (at(one.at), text(one.template), text(one.channel or ""), "" if one.sent else "not delivered")
        for one in reversed(view.messages[-_MOST_ENTRIES:])
    ]
    return "\n".join(["## Messages to the customer", "", *table(("When (UTC)", "Message", "By", ""), rows)])


def _steps(view: CaseView) -> str:
    """Those that are not done."""
    rows = [
        (text(one.step), one.status, str(one.attempts), text(one.error or ""))
        for one in view.steps
        if one.status not in ("done", "skipped")
    ][:_MOST_ENTRIES]
    if not rows:
        return ""
    return "\n".join(["## Steps under way or in trouble", "", *table(("Step", "", "Tries", "Error"), rows)])


def _links(view: CaseView) -> str:
    rows = [("opened by", case_link(view.parent), "")] if view.parent else []
    rows += [
        ("opened", case_link(one.case), text(one.state.replace("_", " ")) + (", ended" if one.ended else ""))
        for one in view.children
    ]
    return "\n".join(["## Linked cases", "", *table(("", "Case", "State"), rows)]) if rows else ""


def case_link(case: str, *, said: str = "") -> str:
    """From one artifact to the page of a case; ``said`` is what it is called there, else its id."""
    sop, _, key = case.partition("/")
    return f"[{text(said or case)}](../key/{artifact_key(sop, key)})"


def _runs(runs: Sequence[RunLink]) -> str:
    rows = [
        (at(run.at), f"[{text(run.name)}](../../runs/flow-run/{run.id})", text(run.state)) for run in runs
    ]
    return "\n".join(["## Flow runs", "", *table(("When (UTC)", "Run", "State"), rows), ""])


def _event(event: str) -> str:
    if event.startswith(DEADLINE):
        return f"deadline passed: {event.removeprefix(DEADLINE).replace('_', ' ')}"
    return event


def _label(value: str) -> str:
    """Inside the quotes of a diagram."""
    return re.sub(r'["\n`]', " ", value)

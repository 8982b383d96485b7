"""A dashboard as Markdown: what stands where and waits for whom, what is due and late, what came and went.

Keys only, never anything personal. Instants are UTC.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from adapters.charts import Chart, picture
from adapters.store.overview import InState
from flows.boards import MOST, Board
from flows.case_page import case_link
from flows.markdown import at, table, text
from machines.kernel.case import case_id
from machines.kernel.definition import Definition
from machines.waiting import waits_for

_LONGEST = 200  #: characters of an error or reason


def charts(board: Board, definition: Definition) -> list[Chart]:
    """What ``page`` shows as pictures, in this order."""
    states = _ranked(board)
    hours = board.hours
    drawn = [
        Chart(
            "Opened and ended by hour (UTC)",
            [f"{hour:%H}" for hour in hours],
            {
                "opened": [board.seen.opened.get(hour, 0) for hour in hours],
                "ended": [board.ended_in(hour) for hour in hours],
            },
        )
    ]
    if states:
        names = [_title(state, definition) for state, _ in states]
        counts = [one.count for _, one in states]
        drawn.insert(0, Chart("Open cases by state", names, {"open": counts}, lying=True))
    return drawn


def page(board: Board, definition: Definition, pictures: Sequence[str]) -> str:
    """``pictures`` are the SVGs of ``charts``."""
    *states, traffic = pictures
    parts = [
        _head(board, definition),
        *(picture(svg, alt="Open cases by state") for svg in states),
        _states(board, definition),
        _waiting(board, definition),
        _due(board, definition),
        _late(board, definition),
        _held(board, definition),
        _parked(board, definition),
        _traffic(board, definition, picture(traffic, alt="Opened and ended by hour")),
        "A case whose page is not there yet gets one by the deployment `case`.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(board: Board, definition: Definition) -> str:
    seen = board.seen
    figures = {
        "Open": board.open,
        "Due within the hour": seen.due.count,
        "Deadlines passed": seen.passed.count,
        "Clocks overrun": seen.overrun.count,
        "On hold": seen.held.count,
        "Parked steps": _parked_steps(board),
        "Opened in 24 h": sum(seen.opened.values()),
        "Ended in 24 h": sum(seen.ended.values()),
    }
    title = f"# {text(definition.procedure.title)}"
    told = f"As of {at(board.now)} UTC; all times are UTC."
    return "\n".join([title, "", told, "", *table(list(figures), [list(map(str, figures.values()))])])


def _ranked(board: Board) -> list[tuple[str, InState]]:
    return sorted(board.seen.states.items(), key=lambda item: (-item[1].count, item[0]))


def _states(board: Board, definition: Definition) -> str:
    sop = definition.procedure.name
    rows = [
        (
            text(_title(state, definition)),
            str(one.count),
            str(one.held or ""),
            text(_whom(state, definition)),
            f"{one.since:%Y-%m-%d %H:%M}",
            ", ".join(_link(sop, key) for key in one.keys),
        )
        for state, one in _ranked(board)
    ]
    heads = ("State", "Open", "On hold", "Waits for", "Nothing new since", "Still for longest")
    return _part("Open cases by state", heads, rows, otherwise="None.")


def _waiting(board: Board, definition: Definition) -> str:
    whom: defaultdict[str, int] = defaultdict(int)
    for state, one in board.seen.states.items():
        whom[_whom(state, definition)] += one.count
    rows = [(text(who), str(count)) for who, count in sorted(whom.items(), key=lambda item: -item[1])]
    parts = [_part("Waiting for whom", ("Waits for", "Cases"), rows)] if rows else []
    assigned = sorted(board.seen.assignees.items(), key=lambda item: (-item[1], item[0]))[:MOST]
    if assigned:
        heads = ("Looked after by", "Cases")
        parts.append("\n".join(table(heads, [(text(who), str(count)) for who, count in assigned])))
    seen = board.seen
    if seen.asked or seen.retrying:
        parts.append(
            f"Steps that wait for their provider's answer: {seen.asked}. Steps tried again: {seen.retrying}."
        )
    return "\n\n".join(parts)


def _due(board: Board, definition: Definition) -> str:
    sop, timers = definition.procedure.name, definition.procedure.timers
    rows = [
        (
            at(one.timer.due),
            _link(sop, one.key),
            text(_title(one.state, definition)),
            text(timers[one.timer.name].text if one.timer.name in timers else one.timer.name),
        )
        for one in board.seen.due.first
    ]
    heads = ("Due", "Case", "State", "What happens then")
    return _part("Due within the hour", heads, rows, otherwise="Nothing.", of=board.seen.due.count)


def _late(board: Board, definition: Definition) -> str:
    sop, timers = definition.procedure.name, definition.procedure.timers
    clocks = {clock.name: clock.text for clock in definition.clocks}
    passed = [
        (
            at(one.timer.due),
            _link(sop, one.key),
            text(_title(one.state, definition)),
            text(timers[one.timer.name].text if one.timer.name in timers else one.timer.name),
        )
        for one in board.seen.passed.first
    ]
    overrun = [
        (
            at(one.told.at),
            _link(sop, one.key),
            text(_title(one.state, definition)),
            f"{one.told.percent} % of **{text(one.clock)}** is used: {text(clocks.get(one.clock, ''))}",
        )
        for one in board.seen.overrun.first
    ]
    parts = ["## Late" if passed or overrun else "## Late\n\nNothing."]
    if passed:
        heads = ("Deadline passed", "Case", "State", "What has happened")
        parts.append(_part("", heads, passed, of=board.seen.passed.count))
    if overrun:
        parts.append(_part("", ("Told", "Case", "State", "Clock"), overrun, of=board.seen.overrun.count))
    return "\n\n".join(parts)


def _held(board: Board, definition: Definition) -> str:
    sop = definition.procedure.name
    rows = [
        (
            at(one.hold.since),
            _link(sop, one.key),
            text(_title(one.state, definition)),
            text(one.hold.who),
            text(one.hold.reason[:_LONGEST]),
        )
        for one in board.seen.held.first
    ]
    heads = ("Since", "Case", "State", "By", "Because")
    return _part("On hold", heads, rows, of=board.seen.held.count) if rows else ""


def _parked_steps(board: Board) -> str:
    count = f"{len(board.parked):,}"
    return count if board.parked_all else f"{count} or more"


def _parked(board: Board, definition: Definition) -> str:
    if not board.parked:
        return ""
    money = " and ".join(map(str, board.at_stake)) or "no money"
    rows = [
        (
            at(one.failed) if one.failed else "",
            _link(one.sop, one.key),
            f"[{text(one.command)}](../../runs/flow-run/{one.run})" if one.run else text(one.command),
            text(one.money),
            text(one.error[:_LONGEST]),
        )
        for one in board.parked[:MOST]
    ]
    heads = ("Failed", "Case", "Step", "At stake", "Error")
    first = "" if board.parked_all else f" in the oldest {len(board.parked):,} of them"
    title = f"Parked steps: {text(money)} at stake{first}"
    return _part(title, heads, rows, of=len(board.parked))


def _traffic(board: Board, definition: Definition, drawn: str) -> str:
    ends = {state for _, state in board.seen.ended}
    ranked = sorted(((board.ended_as(state), state) for state in ends), reverse=True)
    rows = [(text(_title(state, definition)), str(count)) for count, state in ranked]
    parts = ["## The last 24 hours", drawn]
    if rows:
        parts.append("\n".join(table(("Ended as", "Cases"), rows)))
    return "\n\n".join(part for part in parts if part)


def _part(
    title: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    otherwise: str = "",
    of: int = 0,
) -> str:
    listed = list(rows)
    lines = [f"## {title}", ""] if title else []
    lines += table(heads, listed) if listed else [otherwise]
    more = of - len(listed)
    return "\n".join([*lines, *(["", f"and {more} more"] if more > 0 else [])])


def _link(sop: str, key: str) -> str:
    return case_link(case_id(sop, key), said=key)


def _title(state: str, definition: Definition) -> str:
    found = definition.states.get(state)
    return found.title if found else state


def _whom(state: str, definition: Definition) -> str:
    """Cases of an earlier version may stand in a state that there is no more."""
    found = definition.states.get(state)
    return waits_for(definition.procedure, found) if found else "a migration"

"""A run told for people: its timeline, and where it differs from what the scenario expects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from machines.kernel.case import Entry
from machines.kernel.command import Command
from machines.kernel.rule import Disposition
from machines.kernel.state import DEADLINE
from machines.messages import Message
from machines.simulate import Run


def failures(run: Run) -> list[str]:
    """Every expectation of the scenario that the run does not meet."""
    scenario, expect = run.scenario, run.scenario.expect
    states = {case: one.state for case, one in run.cases.items()}
    found = [
        f"{case} is {states.get(case, 'not opened')!r}, expected {state!r}"
        for case, state in {scenario.case: expect.state, **expect.cases}.items()
        if states.get(case) != state
    ]
    for stand in expect.at:
        case = stand.case or scenario.case
        state = run.state_at(case, run.calendar.due(scenario.start, stand.after))
        if state != stand.state:
            found.append(f"after {stand.after} {case} is {state!r}, expected {stand.state!r}")
    found += _missing(expect.journal, run.entries(scenario.case))
    for command, times in expect.performed.items():
        done = sum(one.command.name == command and one.case == scenario.case for one in run.performed)
        if done != times:
            found.append(f"{command} was performed {done} times, expected {times}")
    found += _letters(run)
    balances = run.balances(scenario.case)
    for account, amount in expect.balances.items():
        if balances.get(account, 0) != amount:
            found.append(f"account {account!r} is {balances.get(account, 0)}, expected {amount}")
    return found


def timeline(run: Run) -> str:
    """One line per journal entry, with what was performed; local time of the calendar."""
    zone = ZoneInfo(run.calendar.zone)
    lines = [f"{run.scenario.title} (times of {run.calendar.zone})", ""]
    width = max((len(case) for case, _ in run.journal), default=0)
    for at, case, text in _told(run):
        lines.append(f"{at.astimezone(zone):%a %Y-%m-%d %H:%M:%S}  {case:<{width}}  {text}")
    lines += ["", *(f"{case:<{width}}  ends {state.state}" for case, state in sorted(run.cases.items()))]
    return "\n".join(lines)


def _told(run: Run) -> Iterator[tuple[datetime, str, str]]:
    issued: dict[tuple[str, int], list[str]] = {}
    for one in run.performed:
        seq = int(one.command.key.removeprefix(f"{one.case}/{one.command.name}/").partition("/")[0])
        issued.setdefault((one.case, seq), []).append(_named(one.command))
    for case, entry in run.journal:
        yield entry.at, case, _line(entry)
        if commands := issued.get((case, entry.seq)):
            yield entry.at, case, f"    performs {', '.join(commands)}"


def _named(command: Command) -> str:
    return f"{command.name} {_template(command)}".rstrip()


def _line(entry: Entry) -> str:
    event = entry.event
    if event.startswith(DEADLINE):
        event = f"deadline {event.removeprefix(DEADLINE)!r} passed"
    if entry.disposition is not Disposition.HANDLED:
        return f"{event}: {entry.disposition.value} while {entry.before} ({entry.reason})"
    move = f"{entry.before} -> {entry.after}" if entry.before != entry.after else entry.after
    return f"{event}: {move}" + (f" ({entry.reason})" if entry.reason else "")


def _letters(run: Run) -> Iterator[str]:
    sent = Counter(_template(one.command) for one in run.performed)
    for template, times in run.scenario.expect.letters.items():
        if sent[template] != times:
            yield f"the letter {template} was sent {sent[template]} times, expected {times}"


def _template(command: Command) -> str:
    return command.arguments.template if isinstance(command.arguments, Message) else ""


def _missing(expected: Iterable[str], entries: list[Entry]) -> Iterator[str]:
    """Expected journal lines that do not come, each after the one before."""
    left = iter(entries)
    for line in expected:
        event, _, disposition = line.partition(" ")
        for entry in left:
            if entry.event == event and disposition in {"", entry.disposition.value}:
                break
        else:
            yield f"the journal has no {line!r} (after what is expected before it)"
            return

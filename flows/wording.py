"""What staff read in the Prefect UI about a session: run name, badge, task names, tags, table, log lines."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from flows.session import CaseSeen, CommandTally, Snapshot

#: A table artifact is one cell of Prefect's database; more rows than this nobody reads in a browser.
MOST_ROWS = 500


@dataclass(frozen=True, slots=True)
class Badge:
    """The coloured label of a run: the kind of state (COMPLETED, FAILED), its name and message."""

    kind: str
    name: str
    message: str


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line in the log of a run."""

    at: datetime
    level: int
    text: str


def run_name(seen: Snapshot) -> str:
    """`order SO-1001: shipment.dispatched` for one case, `order x 412` in a rush."""
    if seen.count == 1 and seen.cases:
        case = seen.cases[0]
        return f"{seen.sop} {case.key}: {case.event}" if case.event else f"{seen.sop} {case.key}"
    return f"{seen.sop} x {seen.count}" if seen.count else seen.sop


def run_tags(seen: Snapshot) -> list[str]:
    """The SOP, and the case when there is only one."""
    tags = [f"sop:{seen.sop}"]
    if seen.count == 1 and seen.cases:
        tags.append(f"case:{seen.cases[0].key}")
    return tags


def badge(seen: Snapshot) -> Badge:
    """Where the cases came to rest."""
    if seen.count == 0:
        return Badge(kind="COMPLETED", name="Nothing to do", message="no case was ready")
    if seen.count == 1 and seen.cases:
        case = seen.cases[0]
        return Badge(kind="COMPLETED", name=case.title or "Taken", message=case.message)
    by_count = sorted(seen.resting.items(), key=lambda item: (-item[1], item[0]))
    message = ", ".join(f"{title} {count}" for title, count in by_count)
    return Badge(kind="COMPLETED", name=f"{seen.count} cases", message=message)


def task_name(tally: CommandTally) -> str:
    """`payment.capture`, or `payment.authorize x 400`."""
    return tally.command if tally.count == 1 else f"{tally.command} x {tally.count}"


def task_badge(tally: CommandTally) -> Badge:
    """How the performances of one command ended; red only when none succeeded."""
    if tally.failures == tally.count:
        return Badge(kind="FAILED", name="Failed", message=tally.error or tally.outcome)
    if tally.count == 1:
        return Badge(kind="COMPLETED", name="Completed", message=tally.outcome)
    parts = [f"slowest {tally.slowest_key} with {tally.slowest_seconds:.2f} s"]
    if tally.failures:
        parts.insert(0, f"{tally.failures} of {tally.count} failed: {tally.error}")
    return Badge(kind="COMPLETED", name="Completed", message="; ".join(parts))


def case_rows(seen: Snapshot) -> list[dict[str, str]]:
    """The cases as table rows, those that did not come to rest first."""
    cases = sorted(seen.cases, key=lambda case: (bool(case.title), case.key))
    rows = [
        {"case": case.key, "event": case.event, "state": case.title, "note": case.message} for case in cases
    ]
    return rows[:MOST_ROWS]


def log_lines(seen: Snapshot) -> list[LogLine]:
    """The story of the session in the order it happened."""
    lines: list[LogLine] = []
    only = seen.cases[0] if seen.count == 1 and seen.cases else None
    if only is not None and only.event:
        lines.append(LogLine(seen.opened, logging.INFO, f"{only.key} took {only.event}"))
    for tally in sorted(seen.commands, key=lambda tally: tally.ended):
        level = logging.ERROR if tally.failures else logging.INFO
        seconds = (tally.ended - tally.started).total_seconds()
        text = f"{task_name(tally)}: {task_badge(tally).message} ({seconds:.2f} s)"
        lines.append(LogLine(tally.ended, level, text))
    at = max((line.at for line in lines), default=seen.opened)
    lines.append(LogLine(at, logging.INFO, _rest_line(seen, only)))
    return lines


def _rest_line(seen: Snapshot, only: CaseSeen | None) -> str:
    if only is None:
        return f"{badge(seen).name}: {badge(seen).message}"
    rest = f"{only.key} is in {only.title}" if only.title else f"{only.key} goes on"
    return f"{rest}, {only.message}" if only.message else rest

"""What staff read in the Prefect UI about a session: run name, badge, task names, tags, table, log lines."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from flows.session import CaseSeen, CommandTally, Snapshot

#: A table artifact is one cell of Prefect's database; more rows than this nobody reads in a browser.
MOST_ROWS = 500
#: For a case that had not come to rest when its wake-up ended, such as one still in a long command.
UNDER_WAY = "Under way"
REPORT = "report"  #: the key of the artifact of each report
_MOST_TAGS = 5  #: of one kind on one run
_SLOW = 1.0  #: seconds that a command may take before it is worth a word


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
    """What staff filter by: the SOP, the case when there is only one, where the cases came to rest (the most
    frequent states and priorities), and what needs attention in any of them."""
    tags = [f"sop:{seen.sop}"]
    if seen.count == 1 and seen.cases:
        tags.append(f"case:{seen.cases[0].key}")
    told = {
        "state": (case.state for case in seen.cases),
        "priority": (case.priority for case in seen.cases),
        "attention": (what for case in seen.cases for what in case.attention),
    }
    for kind, values in told.items():
        frequent = Counter(value for value in values if value).most_common(_MOST_TAGS)
        tags += sorted(f"{kind}:{value}" for value, _ in frequent)
    return tags


def badge(seen: Snapshot) -> Badge:
    """Where the cases came to rest, or most of them; the message says where the others did."""
    if seen.count == 0:
        return Badge(kind="COMPLETED", name="Nothing to do", message="no case was ready")
    if seen.count == 1 and seen.cases:
        case = seen.cases[0]
        parts = [*_failed_so_far(seen), case.message]
        message = ". ".join(part for part in parts if part)
        return Badge(kind="COMPLETED", name=case.title or UNDER_WAY, message=message)
    by_count = sorted(seen.resting.items(), key=lambda item: (-item[1], item[0]))
    moving = seen.count - sum(seen.resting.values())
    if moving > 0:
        by_count.append((UNDER_WAY, moving))
    message = ", ".join(f"{title} {count}" for title, count in by_count)
    title, count = by_count[0]
    name = f"{title} (all {count})" if count == seen.count else f"{title} {count} of {seen.count}"
    return Badge(kind="COMPLETED", name=name, message=message)


def progress(seen: Snapshot) -> tuple[str, float]:
    """How many cases have come to rest, in words and in per cent."""
    rest = _resting(seen)
    percent = round(100 * rest / seen.count, 1) if seen.count else 0.0
    told = f"all {seen.count}" if rest == seen.count else f"{rest} of {seen.count}"
    return f"{told} cases have come to rest", percent


def progress_at_end(seen: Snapshot) -> str:
    """The same in words when the run is over."""
    told, _ = progress(seen)
    return told if _resting(seen) == seen.count else f"the run is over; {told}, the others go on"


def task_name(tally: CommandTally) -> str:
    """`payment.capture`, or `payment.authorize x 400`."""
    return tally.command if tally.count == 1 else f"{tally.command} x {tally.count}"


def task_badge(tally: CommandTally) -> Badge:
    """How the performances of one command ended; red only when none succeeded."""
    if _never(tally):
        return Badge(kind="FAILED", name="Failed", message=_error(tally) or tally.outcome)
    if tally.count == 1:
        return Badge(kind="COMPLETED", name="Completed", message=tally.outcome)
    told = f"all {tally.count} done"
    if tally.failures:
        told = f"{tally.failures} of {tally.count} attempts failed ({_error(tally)})"
    if tally.slowest_seconds >= _SLOW:
        told += f"; the slowest took {_duration(tally.slowest_seconds)} ({tally.slowest_key})"
    return Badge(kind="COMPLETED", name="Completed", message=told)


def case_rows(seen: Snapshot) -> list[dict[str, str]]:
    """The cases as table rows, those that did not come to rest first."""
    cases = sorted(seen.cases, key=lambda case: (bool(case.title), case.key))
    rows = [
        {"case": case.key, "event": case.event, "state": case.title or UNDER_WAY, "note": case.message}
        for case in cases
    ]
    return rows[:MOST_ROWS]


def log_lines(seen: Snapshot) -> list[LogLine]:
    """The story of the session in the order it happened."""
    lines: list[LogLine] = []
    only = seen.cases[0] if seen.count == 1 and seen.cases else None
    if only is not None and only.event:
        lines.append(LogLine(seen.opened, logging.INFO, f"{only.key} took {only.event}"))
    for tally in sorted(seen.commands, key=lambda tally: tally.ended):
        lines.append(LogLine(tally.ended, _level(tally), _command_line(tally)))
    at = max((line.at for line in lines), default=seen.opened)
    lines.append(LogLine(at, logging.INFO, _rest_line(seen, only)))
    return lines


def plain_error(error: str, *, command: str) -> str:
    """An error without the command that it begins with, for places that name the command already."""
    return error.removeprefix(f"{command}: ")


def _resting(seen: Snapshot) -> int:
    return min(sum(seen.resting.values()), seen.count)


def _rest_line(seen: Snapshot, only: CaseSeen | None) -> str:
    if only is None:
        return f"{seen.count} cases: {badge(seen).message}"
    return f"{only.key} is now: {badge(seen).name}. {badge(seen).message}".rstrip(". ")


def _command_line(tally: CommandTally) -> str:
    took = _duration((tally.ended - tally.started).total_seconds())
    message = task_badge(tally).message
    if tally.count == 1:
        return f"{task_name(tally)}: {message} ({took})"
    return f"{task_name(tally)} in {took}: {message}"


def _level(tally: CommandTally) -> int:
    """An attempt that failed is tried again by itself: only when none succeeded is it worth red."""
    if not tally.failures:
        return logging.INFO
    return logging.ERROR if _never(tally) else logging.WARNING


def _failed_so_far(seen: Snapshot) -> list[str]:
    """The commands that never succeeded, so that a case which waits for one does not look as if it did."""
    return [f"{tally.command} failed: {_error(tally)}" for tally in seen.commands if _never(tally)]


def _never(tally: CommandTally) -> bool:
    return 0 < tally.failures == tally.count


def _error(tally: CommandTally) -> str:
    return plain_error(tally.error or "", command=tally.command)


def _duration(seconds: float) -> str:
    if seconds < 0.001:
        return "under 1 ms"
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"

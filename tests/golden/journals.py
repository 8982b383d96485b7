"""Journals of whole scenarios, kept as they were decided, to be decided again by every later version.

    python -m tests.golden.journals             writes those of scenarios that have none yet
    python -m tests.golden.journals FILE ...    plays these scenarios (or kept journals) anew
    python -m tests.golden.journals --all       plays those anew that would be decided differently

The last two say what differs. A journal that differs means that cases under way would go on
differently: raise the procedure's version and state its migration, or mend it; where the difference is meant,
write its journal anew. Whoever raises a version that was released first copies the journals with a case of it
to ``released/<procedure>/<version>/`` beside ``kept``: nobody writes those anew, they go through ``migrate``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

from machines.definitions import definitions
from machines.kernel.case import Case, case_id
from machines.kernel.command import Command
from machines.kernel.decide import decide, open_case
from machines.kernel.decision import Decision
from machines.kernel.definition import Definition
from machines.kernel.event import DeadlinePassed, Event, Facts, Received
from machines.kernel.rule import Send
from machines.kernel.state import DEADLINE
from machines.policy import load as load_policy
from machines.scenario import load
from machines.simulate import Run, simulate

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "examples" / "scenarios"
KEPT = Path(__file__).parent / "kept"

Line = dict[str, Any]  # one line of JSON


def scenarios() -> Iterator[tuple[Path, Path]]:
    """Each scenario file with the file that keeps its journal."""
    for path in sorted(SCENARIOS.rglob("*.toml")):
        yield path, KEPT / path.relative_to(SCENARIOS).with_suffix(".jsonl")


def play(scenario: Path, built: Mapping[str, Definition]) -> Run:
    return simulate(load(scenario), definitions=built, calendar=load_policy().calendar)


def journal(run: Run) -> Iterator[Line]:
    """What happened, as the inbox would have it, in the order in which it was decided."""
    for case, entry in run.journal:
        yield {
            "case": case,
            "at": entry.at.isoformat(),
            "event": entry.event,
            "source": entry.source,
            "id": entry.event_id,
            "parent": run.cases[case].parent,
            "body": _json(entry.body) if isinstance(entry.body, Facts) else {},
        }


def again(lines: list[Line], built: Mapping[str, Definition]) -> Iterator[Line]:
    """Decide every line anew; each comes back with what was decided."""
    cases: dict[str, Case] = {}
    for line in lines:
        sop, _, key = line["case"].partition("/")
        definition = built[sop]
        case = cases.get(line["case"]) or open_case(definition, key=key, parent=line["parent"])
        now = datetime.fromisoformat(line["at"])
        decision = decide(definition, case, _received(line, definition), now)
        cases[line["case"]] = decision.case
        yield {**line, "decided": decided(decision)}


def decided(decision: Decision) -> Line:
    """With every word that is asked of a provider or told to another case."""
    return {
        "version": decision.case.version,
        "disposition": decision.disposition.value,
        "state": decision.case.state,
        "commands": [_asked(command) for command in decision.commands],
        "sends": [_told(send) for send in decision.sends],
        "timers": {name: timer.due.isoformat() for name, timer in sorted(decision.case.timers.items())},
    }


def differences(kept: list[Line], now: list[Line]) -> list[str]:
    """Where ``now`` differs from what was kept; the version that decided it is no difference."""
    found: list[str] = []
    for number, (was, is_) in enumerate(zip_longest(kept, now), start=1):
        if was is None or is_ is None:
            return [*found, f"{number}: {'begins' if was is None else 'ends'} here"]
        if {**was, "decided": None} != {**is_, "decided": None}:
            return [*found, f"{number}: from here on other things happen: {_short(was)} -> {_short(is_)}"]
        found += [f"{number} {place}" for place in _apart(_fact(was), _fact(is_), was["event"])]
    return found


def read(kept: Path) -> list[Line]:
    return [json.loads(line) for line in kept.read_text("utf-8").splitlines()]


def _asked(command: Command) -> Line:
    return {"key": command.key, "asks": _json(command.arguments)}


def _told(send: Send) -> Line:
    to = case_id(*send.to) if send.to else "parent"
    return {"to": to, "type": send.event.type, "body": _json(send.event)}


def _json(facts: Facts) -> Any:
    return json.loads(facts.model_dump_json())


def _fact(line: Line) -> Line:
    return {name: value for name, value in line["decided"].items() if name != "version"}


def _short(line: Line) -> str:
    return f"{line['at']} {line['case']} {line['event']} {json.dumps(line['body'])}"


def _apart(was: Any, is_: Any, place: str) -> Iterator[str]:
    """The innermost places at which two values of JSON differ."""
    if isinstance(was, dict) and isinstance(is_, dict):
        for name in dict.fromkeys([*was, *is_]):
            yield from _apart(was.get(name), is_.get(name), f"{place} {name}")
    elif isinstance(was, list) and isinstance(is_, list) and len(was) == len(is_):
        for number, (one, other) in enumerate(zip(was, is_, strict=True), start=1):
            yield from _apart(one, other, f"{place} {number}")
    elif was != is_:
        yield f"{place}: {json.dumps(was)} -> {json.dumps(is_)}"


def _received(line: Line, definition: Definition) -> Received:
    kind, now = line["event"], datetime.fromisoformat(line["at"])
    step = line["id"] if line["source"] == "step" else None
    return Received(line["id"], line["source"], kind, _payload(line, definition), now, step)


def _payload(line: Line, definition: Definition) -> Event:
    """A clock tells more than its timer's name; that is decided anew as well."""
    kind = line["event"]
    if kind.startswith(DEADLINE):
        return DeadlinePassed(name=kind.removeprefix(DEADLINE))
    return definition.procedure.event_types[kind].model_validate_json(json.dumps(line["body"]))


def _chosen(arguments: list[str], built: Mapping[str, Definition]) -> Iterator[tuple[Path, Path]]:
    if arguments in ([], ["--all"]):
        for scenario, kept in scenarios():
            if not kept.exists() or (arguments and _differs(read(kept), built)):
                yield scenario, kept
        return
    known = {path: both for both in scenarios() for path in both}
    for argument in arguments:
        if Path(argument).resolve() not in known:
            sys.exit(f"{argument} is neither a scenario nor a kept journal; name files, or say --all")
        yield known[Path(argument).resolve()]


def _differs(lines: list[Line], built: Mapping[str, Definition]) -> bool:
    """What was kept of an event stays as it was written then, as long as it is decided the same."""
    return differences(lines, list(again(lines, built))) != []


def main(arguments: list[str]) -> None:
    built = definitions(load_policy())
    for scenario, kept in _chosen(arguments, built):
        before = read(kept) if kept.exists() else []
        now = list(again(list(journal(play(scenario, built))), built))
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in now), "utf-8")
        changes = differences(before, now) if before else [" new"]
        for change in changes:
            print(f"{kept.relative_to(KEPT)}:{change}")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])

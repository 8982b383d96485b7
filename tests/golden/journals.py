"""Journals of whole scenarios, kept as they were decided, to be decided again by every later version.

``python -m tests.golden.journals`` writes those of scenarios that have none yet. One that differs afterwards
means that cases under way would go on differently: raise the procedure's version and state its migration, or
mend it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from machines.definitions import definitions
from machines.kernel.case import Case, case_id
from machines.kernel.decide import decide, open_case
from machines.kernel.decision import Decision
from machines.kernel.definition import Definition
from machines.kernel.event import DeadlinePassed, Received
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
            "body": json.loads(entry.body.model_dump_json()) if not isinstance(entry.body, Mapping) else {},
        }


def again(lines: list[Line], built: Mapping[str, Definition]) -> Iterator[Line]:
    """Decide every line anew; each comes back with what was decided."""
    cases: dict[str, Case] = {}
    for line in lines:
        sop, _, key = line["case"].partition("/")
        definition = built[sop]
        case = cases.get(line["case"]) or open_case(definition, key=key, parent=line["parent"])
        now = datetime.fromisoformat(line["at"])
        decision = decide(definition, case, _received(line, definition, now), now)
        cases[line["case"]] = decision.case
        yield {**line, "decided": decided(decision)}


def decided(decision: Decision) -> Line:
    return {
        "version": decision.case.version,
        "disposition": decision.disposition.value,
        "state": decision.case.state,
        "commands": [command.key for command in decision.commands],
        "sends": [
            f"{case_id(*send.to) if send.to else 'parent'}: {send.event.type}" for send in decision.sends
        ],
        "timers": {name: timer.due.isoformat() for name, timer in sorted(decision.case.timers.items())},
    }


def _received(line: Line, definition: Definition, now: datetime) -> Received:
    kind = line["event"]
    model = DeadlinePassed if kind.startswith(DEADLINE) else definition.procedure.event_types[kind]
    payload = model.model_validate_json(json.dumps(line["body"]))
    step = line["id"] if line["source"] == "step" else None
    return Received(line["id"], line["source"], kind, payload, now, step)


def main() -> None:
    built = definitions(load_policy())
    for scenario, kept in scenarios():
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            lines = again(list(journal(play(scenario, built))), built)
            kept.write_text(
                "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines), "utf-8"
            )


if __name__ == "__main__":
    main()

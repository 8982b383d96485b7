"""``sop check`` proves the procedures, ``sop simulate`` plays one through on a virtual clock."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from deployments.cli.exploring import explore
from deployments.cli.output import AsJson, console, plain_errors, print_json
from deployments.settings import Settings
from machines.approvals import load as load_approvals
from machines.approvals import unapproved
from machines.catalogue import CATALOGUE
from machines.definitions import definitions
from machines.policy import DEFAULT
from machines.policy import load as load_policy
from machines.scenario import load as load_scenario
from machines.simulate import simulate as play
from machines.timeline import failures, timeline


def check(
    *,
    deep: Annotated[
        float, typer.Option(help="Go on where a scope is bounded, for so many seconds each.", min=0)
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Explore every situation that a case can get into, within the scopes named in the output (some of them
    bounded, which the output says); what is wrong comes with the shortest way to it."""
    with plain_errors():
        missing = unapproved(CATALOGUE, load_approvals(Settings().approvals))
    report = explore(deeper=deep)
    if as_json:
        print_json({"clean": report.clean, "unapproved": missing, **asdict(report)})
    else:
        if missing:
            console.print(f"not approved as they stand: {', '.join(missing)}; see 'sop approve'\n")
        console.print(str(report), highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(0 if report.clean else 1)


def simulate(
    scenario: Annotated[
        list[Path], typer.Argument(help="Scenario files, such as examples/scenarios/order/*.toml.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Play scenarios through on a virtual clock and print what happened when."""
    with plain_errors():
        policy = load_policy(Settings().policy or DEFAULT)
        built = definitions(policy)
        missed = 0
        for path in scenario:
            run = play(load_scenario(path), definitions=built, calendar=policy.calendar)
            wrong = failures(run)
            missed += bool(wrong)
            if as_json:
                print_json(
                    {
                        "scenario": str(path),
                        "cases": {name: case.state for name, case in run.cases.items()},
                        "failures": wrong,
                    }
                )
            else:
                console.print(timeline(run), highlight=False, markup=False, soft_wrap=True)
                for line in wrong:
                    console.print(f"NOT AS EXPECTED  {line}", style="red", highlight=False, markup=False)
    raise typer.Exit(1 if missed else 0)

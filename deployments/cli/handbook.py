"""``sop handbook`` writes the pages that procedure owners read, ``sop approve`` notes that one did."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from adapters.handbook.pages import handbook as pages
from deployments.cli.output import AsJson, console, fail, plain_errors, print_json, print_table
from deployments.settings import Settings
from machines.approvals import Approval, approval_of
from machines.approvals import load as load_approvals
from machines.catalogue import CATALOGUE
from machines.policy import DEFAULT
from machines.policy import load as load_policy
from machines.scenario import load_all


def handbook(
    folder: Annotated[Path, typer.Argument(help="Where the pages go.")] = Path("docs/handbook"),
    *,
    scenarios: Annotated[Path, typer.Option(help="Where the scenario files are.")] = Path(
        "examples/scenarios"
    ),
    only_check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if a page is missing or stale.")
    ] = False,
) -> None:
    """Write a page for each procedure: header, diagram, states, time limits, messages, obligations."""
    with plain_errors():
        settings = Settings()
        written = pages(
            CATALOGUE,
            policy=load_policy(settings.policy or DEFAULT),
            approvals=load_approvals(settings.approvals),
            scenarios=load_all(scenarios),
        )
    found = {path.name: path.read_text("utf-8") for path in folder.glob("*.md")}
    stale = sorted(name for name in written.keys() | found.keys() if written.get(name) != found.get(name))
    if only_check:
        if stale:
            fail(f"stale: {', '.join(stale)}; write them anew with 'sop handbook {folder}'")
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in written:
            (folder / name).write_text(written[name], "utf-8")
        else:
            (folder / name).unlink()
    console.print(f"{folder}: {len(written)} pages, {len(stale)} changed", highlight=False)


def approve(
    procedure: Annotated[
        str | None, typer.Argument(help="The procedure that was read; none lists how all of them stand.")
    ] = None,
    *,
    name: Annotated[str, typer.Option(help="Who approves.")] = "",
    role: Annotated[str, typer.Option(help="In which role.")] = "",
    as_json: AsJson = False,
) -> None:
    """Note that a procedure is approved as it stands now, by whom and in which role; a change undoes it."""
    with plain_errors():
        settings = Settings()
        given = load_approvals(settings.approvals)
        if procedure is None:
            rows: list[dict[str, object]] = [
                {
                    "procedure": one.name,
                    "version": one.version,
                    "hash": one.hash,
                    "approved by": str(approval_of(one, given) or ""),
                }
                for one in CATALOGUE
            ]
            print_table("Approvals", rows, as_json=as_json)
            return
        found = CATALOGUE.procedure(procedure)
    if not (name and role):
        fail("say who approves: --name and --role", code=2)
    try:
        approval = Approval(
            procedure=found.name,
            version=found.version,
            hash=found.hash,
            name=name,
            role=role,
            date=date.today(),  # noqa: DTZ011 - the day where they sit
        )
    except ValidationError as error:
        places = [f"--{one['loc'][0]}: {one['msg']}" for one in error.errors()]
        fail("; ".join(places), code=2)
    with settings.approvals.open("a", encoding="utf-8") as file:
        file.write(f"\n{approval.toml}")
    if as_json:
        print_json(approval.model_dump(mode="json"))
    else:
        console.print(
            f"{found.name} version {found.version} ({found.hash}) approved by {approval}", highlight=False
        )

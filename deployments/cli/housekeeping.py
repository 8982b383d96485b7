"""``sop housekeeping`` lets old runs, artifacts, finished cases and letters go, as it is done every night."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from deployments import keeping
from deployments.bootstrap import open_application
from deployments.cli.output import AsJson, console, errors, plain_errors, print_json
from deployments.installed import require_installation
from deployments.settings import Settings, without_password
from flows.housekeeping import Housekeeping

_UNKNOWN: dict[str, None] = dict.fromkeys(("runs", "artifacts", "parked"))


def housekeeping(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let go what is old by the settings of ``keep``; finished cases are archived under SOP_HOME/archive."""
    with plain_errors():
        settings = Settings()
        require_installation(settings)
        with open_application(settings) as app:
            house = keeping.housekeeping(settings, app.store, clock=app.clock)
            swept = house.sweep(dry_run=dry_run)
            pruned = _prune(settings, house, mark=app.mark, dry_run=dry_run)
    if as_json:
        print_json({"dry_run": dry_run, **asdict(swept), **(pruned or _UNKNOWN)})
    else:
        _say(swept.cases, swept.letters, swept.files, pruned, dry_run=dry_run)
    raise typer.Exit(0 if pruned is not None else 1)


def _prune(settings: Settings, house: Housekeeping, *, mark: str, dry_run: bool) -> dict[str, int] | None:
    """None where Prefect is out of reach."""
    # Importing Prefect takes a second and a half.
    from flows.prefect_api import PREFECT_ERRORS
    from flows.prefect_pruning import PrefectPruning, PruningApi
    from flows.procedures import PROCEDURES

    async def sweep() -> dict[str, int]:
        async with PruningApi(settings.prefect_url) as api:
            pruning = PrefectPruning(
                api, house.store, flows=tuple(PROCEDURES), installation=mark, retention=house.retention
            )
            return asdict(await pruning.sweep(now=house.clock(), dry_run=dry_run, ending=house.ending))

    try:
        return asyncio.run(sweep())
    except PREFECT_ERRORS as error:
        shown = without_password(settings.prefect_url)
        why = f"{shown}: {type(error).__name__} [prefect-unreachable]"
        errors.print(f"sop: nothing goes from Prefect, {why}", style="red", highlight=False, markup=False)
        return None


def _say(
    cases: int, letters: int, files: tuple[str, ...], pruned: dict[str, int] | None, *, dry_run: bool
) -> None:
    would = "would go" if dry_run else "gone"
    console.print(f"{would} from the store: {cases} cases, {letters} letters", highlight=False)
    for file in files:
        console.print(f"archived in {file}", highlight=False, soft_wrap=True)
    if pruned is not None:
        console.print(
            f"{would} from Prefect: {pruned['runs']} flow runs, {pruned['artifacts']} artifacts; "
            f"{pruned['parked']} old runs stand for parked steps and stay",
            highlight=False,
        )

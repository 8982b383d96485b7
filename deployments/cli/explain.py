"""``sop explain`` says why a case is due when it is, ``sop retime`` makes a changed policy count at once."""

from __future__ import annotations

from deployments.bootstrap import open_installation, utc_now
from deployments.cli.naming import CaseKey, named
from deployments.cli.output import AsJson, console, plain_errors, print_json
from deployments.retiming import retime_cases
from deployments.settings import Settings
from machines.explain import Explanation


def explain(
    key: CaseKey,
    *,
    as_json: AsJson = False,
) -> None:
    """Say why each deadline and clock of a case is due when it is, span by span."""
    with plain_errors(), open_installation(Settings()) as app:
        for case in named(key, app):
            explained = app.explain(case)
            if as_json:
                print_json({"case": case.id, "state": case.state, "due": explained})
            else:
                console.print(f"[bold]{case.id}[/bold]  {case.state}")
                _print(explained)


def retime(*, as_json: AsJson = False) -> None:
    """Tell every open case whose clocks go by an old policy to find anew when they are due."""
    with plain_errors(), open_installation(Settings()) as app:
        told = retime_cases(app.store, policy=app.policy.fingerprint, clock=utc_now)
    if as_json:
        print_json({"told": told})
    else:
        console.print(f"{told} cases told; a worker that runs sees to each within a second or so")


def _print(explained: list[Explanation]) -> None:
    if not explained:
        console.print("nothing is due")
    for one in explained:
        console.print(f"\n{one.kind} {one.name}: {one.text}", markup=False, highlight=False)
        for line in one.because:
            console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)

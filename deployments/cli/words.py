"""``sop words`` opens the seal of what customers wrote, for the colleague who looks after a case."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import orjson
import typer

from adapters.asking.form import stories
from adapters.sealing import Disclosure
from deployments.bootstrap import Application, open_application
from deployments.cli.output import AsJson, console, fail, plain_errors, print_json
from deployments.installed import require_installation
from deployments.settings import Settings
from machines.kernel.case import Case
from machines.kernel.event import SEALED

_RECIPIENT, _PURPOSE = "customer service", "looking after the case"


def words(
    key: Annotated[str, typer.Argument(help="The case's key, such as CP-2001, or complaint/CP-2001.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Read what the customer wrote about a case. It is sealed in the store and shown nowhere else."""
    settings = Settings()
    with plain_errors():
        require_installation(settings)
        with open_application(settings) as app:
            sop, _, rest = key.rpartition("/")
            found = app.store.find_case(key=rest, sop=sop or None)
            if not found:
                fail(f"no case {key!r}; 'sop cases --all' lists what there is", code=2)
            said = [one for case in found for one in _written(app, case)]
    if as_json:
        print_json(said)
        return
    for one in said or [{"case": key, "at": "", "event": "", "words": "The customer wrote nothing."}]:
        when = f"{one['at']} UTC" if one["at"] else ""
        console.print(f"[bold]{one['case']}[/bold]  {when}  {one['event']}", highlight=False)
        console.print(one["words"], markup=False, highlight=False, soft_wrap=True)


def _written(app: Application, case: Case) -> Iterator[dict[str, str]]:
    kinds = app.definitions[case.sop].procedure.event_types
    for entry, body in app.store.journal(case.id):
        kind = kinds.get(entry.event)
        names = stories(kind) if kind else ()
        said = orjson.loads(body) if names else {}
        tokens = {name: said[name] for name in names if str(said.get(name) or "").startswith(SEALED)}
        disclosure = Disclosure(_RECIPIENT, _PURPOSE, frozenset(tokens))
        opened = app.vault.open_tokens(set(tokens.values()), disclosure=disclosure)
        for token in tokens.values():
            at = f"{entry.at:%Y-%m-%d %H:%M:%S}"
            yield {"case": case.id, "at": at, "event": entry.event, "words": opened[token]}

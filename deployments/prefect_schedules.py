"""Lets Prefect's server write the runs of schedules while SQLAlchemy 2.1 is installed.

Prefect 3.8.8 allows that version, and its scheduler inserts rows with a key that is a hybrid property without
a bulk form: 2.0 passes it over, 2.1 raises, and no schedule of anybody ever runs (measured: `server.log` has
"Can't evaluate bulk DML statement" once a minute). Prefect loads our collection in each of its servers, which
is where this is called.
"""

from __future__ import annotations

import sys
from collections.abc import MutableMapping

_MODELS = "prefect.server.database.orm_models"


def mend_schedules() -> None:
    """Does nothing in processes that are no server, and nothing once Prefect does this itself."""
    models = sys.modules.get(_MODELS)
    for name in ("FlowRun", "TaskRun") if models is not None else ():
        state = vars(getattr(models, name)).get("state")
        if getattr(state, "bulk_dml_setter", ...) is None:
            state.inplace.bulk_dml(_pass_over)


def _pass_over(model: type[object], row: MutableMapping[str, object], value: object) -> None:
    """The key stays in the row, which its caller still reads, and is no column."""

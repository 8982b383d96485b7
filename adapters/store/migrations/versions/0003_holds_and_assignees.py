"""Cases on hold, who looks after a case, and which cases another one has opened."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003_holds_and_assignees"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("held", sa.Text))
    op.add_column("cases", sa.Column("assignee", sa.Text))
    _partial("cases_held", "changed", where="held IS NOT NULL")
    _partial("cases_of_parent", "parent", where="parent IS NOT NULL")


def _partial(name: str, column: str, *, where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, "cases", [column], sqlite_where=condition, postgresql_where=condition)

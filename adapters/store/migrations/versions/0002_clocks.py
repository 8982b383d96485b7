"""The clocks of a case, and the policy that they go by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("clocks", sa.Text))
    op.add_column("cases", sa.Column("policy", sa.Text))
    condition = sa.text("policy IS NOT NULL")
    op.create_index(
        "cases_timed", "cases", ["id", "policy"], sqlite_where=condition, postgresql_where=condition
    )

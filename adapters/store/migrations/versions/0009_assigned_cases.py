"""Cases that somebody looks after, found without reading all others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    condition = sa.text("assignee IS NOT NULL")
    op.create_index(
        "cases_assigned", "cases", ["assignee"], sqlite_where=condition, postgresql_where=condition
    )

"""Open cases by procedure and state, found without looking at those that have ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # As the tables say it: each database spells what is false in its own way.
    condition = sa.column("ended", sa.Boolean).is_(sa.false())
    op.create_index(
        "cases_open", "cases", ["sop", "state"], sqlite_where=condition, postgresql_where=condition
    )

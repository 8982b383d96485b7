"""What on-call staff make of a step: when it failed, what was asked before, the outcome they presume."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003_holds_and_assignees"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("steps", sa.Column("failed", sa.BigInteger))
    op.add_column("steps", sa.Column("earlier", sa.Text))
    op.add_column("steps", sa.Column("presumed", sa.Text))

"""Commands that their provider does not answer, and an index of the steps that wait for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outages",
        sa.Column("command", sa.Text, primary_key=True),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.Column("due", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("halted", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    waits = sa.text("status = 'retrying' AND code IN ('outage', 'unavailable')")
    op.create_index("steps_out", "steps", ["command", "issued"], sqlite_where=waits, postgresql_where=waits)

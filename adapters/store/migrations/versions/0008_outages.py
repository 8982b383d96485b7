"""Commands that their provider does not answer, and indexes of the steps that wait for them, in the order in
which they are put back to work."""

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
    _index(
        "steps_out", "attempts", "issued", where="status = 'retrying' AND code IN ('outage', 'unavailable')"
    )
    _index("steps_stranded", "failed", "key", where="status = 'parked' AND code = 'unavailable'")


def _index(name: str, *order: str, where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, "steps", ["command", *order], sqlite_where=condition, postgresql_where=condition)

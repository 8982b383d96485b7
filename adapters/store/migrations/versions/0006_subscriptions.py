"""Who is told by HTTP what happens to cases, and what there is to tell."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "bulletins",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("position", sa.BigInteger),
        *(sa.Column("case_id", sa.Text, nullable=False), sa.Column("seq", sa.Integer, nullable=False)),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("sop", "type")),
        *(sa.Column("at", sa.BigInteger, nullable=False), sa.Column("data", sa.Text, nullable=False)),
    )
    _index("bulletins_new", "number", where="position IS NULL")
    _index("bulletins_position", "position", where="position IS NOT NULL", unique=True)
    op.create_table(
        "subscriptions",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("sops", "types", "status")),
        sa.Column("position", sa.BigInteger, nullable=False),
        *(sa.Column("former", sa.LargeBinary), sa.Column("former_until", sa.BigInteger)),
        sa.Column("attempts", sa.Integer, nullable=False),
        *(sa.Column("due", sa.BigInteger), sa.Column("failing", sa.BigInteger)),
        sa.Column("error", sa.Text, nullable=False),
        *(sa.Column("lease", sa.Text), sa.Column("revision", sa.Integer, nullable=False)),
    )


def _index(name: str, column: str, *, where: str, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(
        name, "bulletins", [column], unique=unique, sqlite_where=condition, postgresql_where=condition
    )

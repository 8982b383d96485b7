"""What Alembic runs: the revisions, on the connection and in the transaction that ``migrate`` hands over."""

from __future__ import annotations

from alembic import context

from adapters.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
context.run_migrations()

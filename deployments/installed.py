"""Whether there is an installation to ask, with the tables of this version; changes nothing."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from adapters.store import schema
from adapters.store.failing import translated
from deployments.errors import NoInstallation, SchemaDiffers, SettingUnusable
from deployments.settings import Settings

_REVISIONS = Path(schema.__file__).parent / "migrations"


def require_installation(settings: Settings) -> None:
    """Raises ``NoInstallation``, ``SchemaDiffers``, ``SettingUnusable`` or ``StoreUnavailable``."""
    if settings.url.startswith("memory:"):
        return
    address = _address(settings)
    if settings.store_file is not None and not settings.store_file.exists():
        raise _nothing_at(settings)
    found = _revision(address)
    if found is None:
        raise _nothing_at(settings)
    _compare(found)


def _nothing_at(settings: Settings) -> NoInstallation:
    place = settings.shown("home" if settings.store_url is None else "store_url")
    return NoInstallation(
        f"no installation at {place}; start one with 'sop up' or set SOP_HOME / SOP_STORE_URL"
    )


def _address(settings: Settings) -> URL:
    try:
        address = make_url(settings.url)
    except ArgumentError:
        raise SettingUnusable("store_url is not a URL; write postgresql://user@host/database") from None
    if address.get_backend_name() == "postgresql":
        return address.set(drivername="postgresql+psycopg")
    return address


def _revision(address: URL) -> str | None:
    from alembic.runtime.migration import MigrationContext

    engine = create_engine(address, poolclass=NullPool)
    with translated(), engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _compare(found: str) -> None:
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(_REVISIONS))
    if found == script.get_current_head():
        return
    if found in {revision.revision for revision in script.walk_revisions()}:
        raise SchemaDiffers(
            f"the store's tables are of an older version ({found}); "
            "'sop up', 'sop worker' or 'sop web' of this version brings them up to date"
        )
    raise SchemaDiffers(
        f"the store's tables are of a newer version ({found}) than this program; bring the program up to date"
    )

"""The one place where errors of databases and drivers become errors of the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from adapters.errors import StoreError, StoreUnavailable
from adapters.store.rows import UnreadableCase


@contextmanager
def translated() -> Iterator[None]:
    """Raises ``StoreUnavailable`` where another try may help, ``StoreError`` where none will. Their texts
    are the driver's first line, which names no values."""
    try:
        yield
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
        raise StoreUnavailable(_text(error)) from error
    except exc.DBAPIError as error:
        raise (StoreUnavailable if error.connection_invalidated else StoreError)(_text(error)) from error
    except UnreadableCase as error:
        raise StoreError(str(error)) from error


def _text(error: exc.SQLAlchemyError) -> str:
    original = getattr(error, "orig", None) or error
    return str(original).partition("\n")[0]

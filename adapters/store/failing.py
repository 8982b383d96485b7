"""The one place where errors of databases and drivers become errors of the store. Their texts name no
values: those may be personal data, and texts end up in logs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from adapters.errors import StoreError, StoreUnavailable, Unwritable

# SQLSTATE classes: data exception, integrity constraint violation, program limit exceeded.
_OF_VALUES = ("22", "23", "54")
# What drivers say of a value that they cannot hand over at all, under an error meant for programs.
_OF_DRIVERS = ("Error binding parameter", "cannot adapt type")


@contextmanager
def translated() -> Iterator[None]:
    """Raises ``StoreUnavailable`` where another try may help, ``Unwritable`` where a value is to blame,
    otherwise ``StoreError``."""
    try:
        yield
    except exc.DBAPIError as error:
        if _blames_a_value(error):
            raise Unwritable(_kind(error)) from error
        gone = isinstance(error, (exc.OperationalError, exc.InterfaceError)) or error.connection_invalidated
        raise (StoreUnavailable if gone else StoreError)(_text(error)) from error
    except exc.TimeoutError as error:
        raise StoreUnavailable(_text(error)) from error


@contextmanager
def storable() -> Iterator[None]:
    """Raises ``Unwritable`` for a value that cannot be turned into what a database stores. For what only
    writes: nothing that decides belongs in here."""
    try:
        yield
    except exc.DBAPIError:
        raise
    except (TypeError, ValueError, OverflowError, exc.StatementError) as error:
        original = getattr(error, "orig", None) or error
        raise Unwritable(f"a value cannot be stored: {type(original).__name__}") from error


def _blames_a_value(error: exc.DBAPIError) -> bool:
    if isinstance(error, (exc.DataError, exc.IntegrityError)):
        return True
    state = getattr(error.orig, "sqlstate", None) or ""
    return state[:2] in _OF_VALUES or _text(error).startswith(_OF_DRIVERS)


def _kind(error: exc.DBAPIError) -> str:
    """PostgreSQL quotes the value in the first line of some errors, so only their name is told."""
    constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    return f"a value cannot be stored: {type(error.orig).__name__} {constraint or ''}".rstrip()


def _text(error: exc.SQLAlchemyError) -> str:
    original = getattr(error, "orig", None) or error
    return str(original).partition("\n")[0]

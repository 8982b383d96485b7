"""How the parts of a store on a database come by their transactions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy import Connection

Opening = Callable[[], AbstractContextManager[Connection]]
"""Opens a transaction; left in good order, one that writes has been committed."""

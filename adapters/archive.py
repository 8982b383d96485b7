"""Finished cases as they leave the store: gzipped JSON lines, a case in each, complete on the disk or not
there at all. Personal fields are sealed in them as they were in the store."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import orjson

from adapters.errors import AdapterError
from adapters.store.upkeep import Document

_PART = ".part"
_STALE_SECONDS = 86_400


class ArchiveUnavailable(AdapterError):
    """A file of the archive could not be written, or an unfinished one removed; the cases stay where they
    are."""

    code = "archive-unavailable"


class Archive:
    """Files in ``folder``, which is made when it is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, cases: Iterable[Document], *, now: datetime) -> Path:
        """A new file with these cases, on the disk when this returns. Raises ``ArchiveUnavailable``."""
        name = f"cases-{now:%Y%m%dT%H%M%SZ}-{uuid4().hex[:8]}.jsonl.gz"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            part = self._folder / f"{name}{_PART}"
            # Nobody but whoever runs this may read it; the modification time in gzip would differ each time.
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed:
                    for case in cases:
                        packed.write(orjson.dumps(case) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            part.rename(self._folder / name)
            _sync(self._folder)
        except OSError as error:
            raise self._unavailable(error) from error
        return self._folder / name

    def tidy(self) -> None:
        """Remove what a writer that was killed left unfinished a day ago or longer. Raises
        ``ArchiveUnavailable``."""
        try:
            for part in self._folder.glob(f"*{_PART}"):
                # By now its writer may be done with it, or another sweep was quicker.
                with suppress(FileNotFoundError):
                    if time.time() - part.stat().st_mtime > _STALE_SECONDS:
                        part.unlink()
        except OSError as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: OSError) -> ArchiveUnavailable:
        return ArchiveUnavailable(f"{self._folder}: {error.strerror or error}")


def _sync(folder: Path) -> None:
    """Make the name of a new file durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

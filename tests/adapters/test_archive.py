"""A file of the archive is complete or not there, and for the eyes of its owner."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.archive import Archive, ArchiveUnavailable
from adapters.store.upkeep import Document

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
CASES: list[Document] = [{"case": {"id": "order/SO-1"}, "journal": []}, {"case": {"id": "order/SO-2"}}]


def test_cases_are_lines_of_a_gzipped_file_that_others_cannot_read(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    first, second = (archive.write(CASES, now=NOW) for _ in range(2))
    assert first != second
    assert first.name.startswith("cases-20261102T090000Z-")
    assert [json.loads(line) for line in gzip.decompress(first.read_bytes()).splitlines()] == CASES
    assert first.stat().st_mode & 0o077 == 0


def test_what_cannot_be_written_leaves_no_file_that_looks_whole(tmp_path: Path) -> None:
    def broken() -> Iterator[Document]:
        yield CASES[0]
        raise OSError(28, "No space left on device")

    with pytest.raises(ArchiveUnavailable, match="No space left on device"):
        Archive(tmp_path / "archive").write(broken(), now=NOW)
    assert list((tmp_path / "archive").glob("*.gz")) == []
    (tmp_path / "file").touch()
    with pytest.raises(ArchiveUnavailable):
        Archive(tmp_path / "file").write(CASES, now=NOW)


def test_what_a_killed_writer_left_goes_after_a_day(tmp_path: Path) -> None:
    young, old = tmp_path / "young.part", tmp_path / "old.part"
    for part in (young, old):
        part.touch()
    os.utime(old, (0, 0))
    Archive(tmp_path).tidy()
    assert list(tmp_path.iterdir()) == [young]
    Archive(tmp_path / "nowhere").tidy()


def test_a_file_that_is_whole_by_the_time_it_is_looked_at_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, whole, old = tmp_path / "cases.jsonl.gz.part", tmp_path / "cases.jsonl.gz", tmp_path / "old.part"
    for one in (part, old):
        one.touch()
        os.utime(one, (0, 0))
    stat = Path.stat

    def late(self: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if self == part:
            part.rename(whole)
        return stat(self, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", late)
    Archive(tmp_path).tidy()
    assert list(tmp_path.iterdir()) == [whole]


def test_what_cannot_be_removed_is_told_as_the_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(1, "Operation not permitted")

    old = tmp_path / "old.part"
    old.touch()
    os.utime(old, (0, 0))
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(ArchiveUnavailable, match="Operation not permitted"):
        Archive(tmp_path).tidy()

"""Finished cases are archived before they are deleted, whatever happens in between."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from adapters.archive import Archive, ArchiveUnavailable
from adapters.errors import StoreUnavailable
from adapters.store.base import Store
from adapters.store.opening import open_store
from adapters.store.records import InboxStatus
from adapters.store.upkeep import Document, Family, Finished
from flows.housekeeping import MOST_CASES, Housekeeping, Retention, Swept
from tests.adapters.store.scenery import DAY, HYDRATE, NOW, scanned
from tests.adapters.store.test_pruning import end

RETENTION = Retention(runs=DAY, versions=DAY, cases=90 * DAY, letters=90 * DAY)


@pytest.fixture(params=("memory", "sqlite"))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path / 'cases.db'}"
    with closing(open_store(url, hydrate=HYDRATE)) as opened:
        opened.migrate()
        yield opened


def house(
    store: Store, folder: Path, *, after: timedelta = 91 * DAY, retention: Retention = RETENTION
) -> Housekeeping:
    def clock() -> datetime:
        return NOW + after

    return Housekeeping(store, Archive(folder), retention=retention, clock=clock, pause=0)


def end_many(store: Store, keys: Sequence[str], *, parent: str | None = None) -> None:
    """A round takes a hundred."""
    for start in range(0, len(keys), 100):
        end(store, *keys[start : start + 100], parent=parent)


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]


def archived(folder: Path) -> list[dict[str, Any]]:
    return [document for file in sorted(folder.glob("*.gz")) for document in _lines(file)]


def ids(folder: Path) -> list[str]:
    return sorted(str(document["case"]["id"]) for document in archived(folder))


def test_what_is_old_is_archived_and_gone_and_a_dry_run_only_counts(store: Store, tmp_path: Path) -> None:
    end(store, "P-1")
    end(store, "P-1-1", parent="parcel/P-1")
    end(store, "open", ended=False)
    store.receive([scanned("nobody")])
    end(store, "P-2")
    store.expire_unmatched(before=NOW + DAY)
    assert [row.letter.key for row in store.inbox(status=(InboxStatus.DEAD,))] == ["nobody"]
    folder = tmp_path / "archive"
    assert house(store, folder, after=89 * DAY).sweep(dry_run=False).cases == 0
    would = house(store, folder).sweep(dry_run=True)
    assert (would.cases, would.letters, would.files, folder.exists()) == (3, 1, (), False)
    swept = house(store, folder).sweep(dry_run=False)
    assert (swept.cases, swept.letters, len(swept.files)) == (3, 1, 1)
    assert ids(folder) == ["parcel/P-1", "parcel/P-1-1", "parcel/P-2"]
    assert [case.id for case in store.cases()] == ["parcel/open"]
    assert [row.letter.key for row in store.inbox()] == ["open"]
    assert house(store, folder).sweep(dry_run=False).files == ()


def test_without_a_policy_nothing_of_the_store_goes(store: Store, tmp_path: Path) -> None:
    end(store, "P-1")
    kept = Retention(runs=DAY, versions=DAY)
    swept = house(store, tmp_path / "archive", after=9_000 * DAY, retention=kept).sweep(dry_run=False)
    assert (swept.cases, swept.letters) == (0, 0)
    assert store.find_case(key="P-1")


def test_many_go_in_batches_and_a_family_is_never_torn(store: Store, tmp_path: Path) -> None:
    end_many(store, [f"P-{number:03}" for number in range(MOST_CASES // 2 + 1)])
    for number in range(3):
        children = [f"P-{number:03}-{child}" for child in range(MOST_CASES // 4)]
        end_many(store, children, parent=f"parcel/P-{number:03}")
    swept = house(store, tmp_path).sweep(dry_run=False)
    assert swept.cases == MOST_CASES // 2 + 1 + 3 * (MOST_CASES // 4)
    assert len(swept.files) == 3
    for file in swept.files:
        documents = _lines(Path(file))
        assert len(documents) <= MOST_CASES
        there = {document["case"]["id"] for document in documents}
        parents = {document["case"]["parent"] for document in documents} - {None}
        assert parents <= there


def test_what_cannot_be_archived_stays(store: Store, tmp_path: Path) -> None:
    end(store, "P-1")
    (tmp_path / "file").touch()
    with pytest.raises(ArchiveUnavailable):
        house(store, tmp_path / "file").sweep(dry_run=False)
    assert store.find_case(key="P-1")


def test_a_store_that_fails_after_the_archive_is_swept_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end(store, "P-1")

    def fail(families: Sequence[Family], *, before: datetime) -> list[str]:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(store.upkeep, "prune", fail)
        with pytest.raises(StoreUnavailable):
            house(store, tmp_path).sweep(dry_run=False)
    assert store.find_case(key="P-1")
    assert house(store, tmp_path).sweep(dry_run=False).cases == 1
    assert ids(tmp_path) == ["parcel/P-1", "parcel/P-1"], "twice in the archive does no harm"


_SWEEP = """
import sys
from datetime import timedelta
from pathlib import Path
from adapters.store.opening import open_store
from tests.adapters.store.scenery import HYDRATE
from tests.flows.test_housekeeping import house
store = open_store(f"sqlite:///{sys.argv[1]}", hydrate=HYDRATE)
house(store, Path(sys.argv[2])).sweep(dry_run=False)
"""


def test_killed_at_any_moment_each_case_is_whole_in_one_place(tmp_path: Path) -> None:
    """In the store with all that is its own, or only in the archive with all of it."""
    path, folder = tmp_path / "cases.db", tmp_path / "archive"
    keys = [f"P-{number:04}" for number in range(6 * MOST_CASES)]
    with closing(open_store(f"sqlite:///{path}", hydrate=HYDRATE)) as store:
        store.migrate()
        end_many(store, keys)
        for kill in range(4):
            child = subprocess.Popen([sys.executable, "-c", _SWEEP, str(path), str(folder)])
            files, deadline = len(list(folder.glob("*"))), time.monotonic() + 60
            # The moment differs from kill to kill: before the first file, in it, after it, in the next.
            while child.poll() is None and len(list(folder.glob("*"))) < files + kill:
                assert time.monotonic() < deadline
                time.sleep(0.001)
            child.send_signal(signal.SIGKILL)
            child.wait()
            check(store, folder, keys)
        house(store, folder).sweep(dry_run=False)
        check(store, folder, keys)
        assert store.cases() == []
        assert store.inbox() == []


def check(store: Store, folder: Path, keys: Sequence[str]) -> None:
    whole = {"journal": 1, "steps": 1, "timers": 1, "inbox": 1}
    there = {str(row.id) for row in store.cases(limit=10_000)}
    for document in [*archived(folder), *store.upkeep.export(there)]:
        assert {name: len(cast("list[object]", document[name])) for name in whole} == whole
    assert there.union(ids(folder)) == {f"parcel/{key}" for key in keys}
    assert {row.letter.case for row in store.inbox(limit=10_000)} == there


def test_a_family_that_grows_while_it_is_archived_stays(store: Store, tmp_path: Path) -> None:
    end(store, "P-1")

    class Growing(Archive):
        def write(self, cases: Iterable[Document], *, now: datetime) -> Path:
            end(store, "P-1-1", parent="parcel/P-1", ended=False)
            return super().write(cases, now=now)

    keeping = house(store, tmp_path)
    keeping = Housekeeping(store, Growing(tmp_path), retention=RETENTION, clock=keeping.clock, pause=0)
    assert keeping.sweep(dry_run=False).cases == 0
    assert {row.id for row in store.cases()} == {"parcel/P-1", "parcel/P-1-1"}


@pytest.mark.parametrize("dry_run", [False, True])
def test_told_to_stop_it_ends_after_its_batch_and_the_next_sweep_does_the_rest(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dry_run: bool
) -> None:
    keys = [f"P-{number:03}" for number in range(MOST_CASES + 1)]
    end_many(store, keys)
    keeping = Housekeeping(
        store, Archive(tmp_path), retention=RETENTION, clock=lambda: NOW + 91 * DAY, pause=60
    )
    finished = store.upkeep.finished

    def stopped(**where: Any) -> Finished:
        keeping.stop()
        return finished(**where)

    with monkeypatch.context() as patched:
        patched.setattr(store.upkeep, "finished", stopped)
        assert keeping.sweep(dry_run=dry_run) == Swept()
    write = Archive.write

    def stopping(self: Archive, *args: Any, **kwargs: Any) -> Path:
        keeping.stop()
        return write(self, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(Archive, "write", stopping)
        swept = keeping.sweep(dry_run=dry_run)
    assert swept.cases == (len(keys) if dry_run else 100), "what one look at the store finds is a batch"
    done = ids(tmp_path)
    assert len(done) == (0 if dry_run else 100)
    assert {f"parcel/{key}" for key in keys} - {str(row.id) for row in store.cases(limit=1_000)} == set(done)
    assert house(store, tmp_path).sweep(dry_run=False).cases == len(keys) - len(done)

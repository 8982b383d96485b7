from __future__ import annotations

import time
from threading import Event

import pytest

from adapters.errors import StoreUnavailable
from adapters.latest import Latest


class Disk:
    def __init__(self) -> None:
        self.writes = 0
        self.full = False
        self.free = Event()
        self.free.set()

    def write(self) -> None:
        self.writes += 1
        self.free.wait(10)
        if self.full:
            raise StoreUnavailable("database or disk is full")


def test_many_questions_are_one_write() -> None:
    disk = Disk()
    health = Latest(disk.write)
    for _ in range(50):
        health.get()
    assert disk.writes == 1


def test_the_reason_is_told_for_as_long_as_it_lasts() -> None:
    disk = Disk()
    health = Latest(disk.write, fresh=0.05)
    disk.full = True
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="disk is full"):
            health.get()
    disk.full = False
    time.sleep(0.06)
    health.get()


def test_a_write_that_hangs_is_not_waited_for_and_not_repeated() -> None:
    disk = Disk()
    health = Latest(disk.write, fresh=0, patience=0.05)
    disk.free.clear()
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match=r"had not done it within 0\.05 seconds"):
            health.get()
    assert disk.writes == 1
    disk.free.set()
    time.sleep(0.05)
    health.get()

from __future__ import annotations

import asyncio
import time

import pytest

from adapters.grouping import Group


def test_what_arrives_during_the_work_goes_together_into_the_next() -> None:
    groups: list[list[int]] = []

    def work(items: list[int]) -> list[int | Exception]:
        groups.append(items)
        time.sleep(0.05)
        return [item * 2 for item in items]

    async def run() -> list[int]:
        group: Group[int, int] = Group(work, threaded=True)
        first = asyncio.create_task(group.do(0))
        await asyncio.sleep(0.02)
        rest = await asyncio.gather(*(group.do(number) for number in range(1, 30)))
        assert group.weight == 0
        return [await first, *rest]

    assert asyncio.run(run()) == [number * 2 for number in range(30)]
    assert [len(group) for group in groups] == [1, 29]


@pytest.mark.parametrize("threaded", [True, False])
def test_an_error_reaches_only_the_one_it_is_for(threaded: bool) -> None:
    def work(items: list[int]) -> list[int | Exception]:
        return [ValueError(str(item)) if item == 3 else item for item in items]

    async def run() -> list[int | BaseException]:
        group: Group[int, int] = Group(work, threaded=threaded)
        return await asyncio.gather(*(group.do(number) for number in range(5)), return_exceptions=True)

    results = asyncio.run(run())
    assert isinstance(results[3], ValueError)
    assert [result for result in results if isinstance(result, int)] == [0, 1, 2, 4]


def test_work_that_fails_fails_for_everyone_and_the_next_goes_on() -> None:
    broken = True

    def work(items: list[int]) -> list[int | Exception]:
        if broken:
            raise OSError("down")
        return list(items)

    async def run() -> None:
        nonlocal broken
        group: Group[int, int] = Group(work, threaded=False)
        results = await asyncio.gather(*(group.do(number) for number in range(3)), return_exceptions=True)
        assert [type(result) for result in results] == [OSError] * 3
        broken = False
        assert await group.do(7) == 7

    asyncio.run(run())


def test_groups_stay_below_their_weight_but_for_a_single_heavy_one() -> None:
    groups: list[list[int]] = []

    def work(items: list[int]) -> list[int | Exception]:
        groups.append(items)
        return list(items)

    async def run() -> None:
        group: Group[int, int] = Group(work, threaded=False, most=10, weight=lambda item: item)
        await asyncio.gather(*(group.do(item) for item in (4, 5, 2, 50, 1)))

    asyncio.run(run())
    assert groups == [[4, 5], [2], [50], [1]]


def test_a_caller_that_gives_up_disturbs_nobody() -> None:
    def work(items: list[int]) -> list[int | Exception]:
        time.sleep(0.02)
        return list(items)

    async def run() -> int:
        group: Group[int, int] = Group(work, threaded=True)
        impatient = asyncio.create_task(group.do(1))
        patient = asyncio.create_task(group.do(2))
        await asyncio.sleep(0.005)
        impatient.cancel()
        return await patient

    assert asyncio.run(run()) == 2

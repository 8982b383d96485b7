"""Writes ``day.jsonl``: a day of a shop's events as CloudEvents, one a line, the unhappy ones mixed in.

    python -m examples.make_day > examples/day.jsonl

The same seed gives the same day. Every person and address is invented. What the signs in tokens, articles and
keys make the simulated world do is tabled in ``adapters/world/behaviour.py``.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator

from examples import complaints, orders, returns
from examples.day import Day
from examples.orders import Story

SEED = 20261120
ORDERS = 320
DESKS_OPEN = 60.0  #: the first returns and complaints; the first orders have been delivered by then


def stories(chance: random.Random) -> Iterator[Story]:
    """The stories of ``ORDERS`` orders in their shares, shuffled."""
    told = [story for share, story in orders.STORIES for _ in range(-(-share * ORDERS // 100))]
    chance.shuffle(told)
    return iter(told)


def main() -> None:
    chance = random.Random(SEED)
    day = Day(chance)
    for story in stories(chance):
        # Orders come in over the working day, most of them around noon.
        story(day, chance.triangular(0, 420, 180))
    for minute in (60, 200):
        orders.of_no_order(day, minute)
    orders.malformed(day, 120)
    for desk in (returns.STORIES, complaints.STORIES):
        for times, story in desk:
            for _ in range(times):
                story(day, DESKS_OPEN + chance.uniform(0, 100))
    for _, line in sorted(day.events, key=lambda event: event[0]):
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()

"""Work done again and again on a thread of its own, as long as a context is open."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from deployments.threads import wait_for


@contextmanager
def repeating(work: Callable[[], object], *, name: str, every: float, first_wait: bool) -> Iterator[None]:
    """While the context is open, ``work`` is done ``every`` so many seconds: at once for the first time, or
    after a ``first_wait`` of the same length. The thread is called ``name`` and ends with the context, unless
    ``work`` hangs."""
    ending = threading.Event()

    def run() -> None:
        if first_wait and ending.wait(every):
            return
        while True:
            work()
            if ending.wait(every):
                return

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        wait_for(thread)

"""Walks through all scopes of all procedures, on all processors; the answer is the same on one."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from machines.catalogue import CATALOGUE
from machines.check import Report, Scope, Walked, judge, tasks, walk
from machines.ledger import LAWS
from machines.obligations import DEMANDED
from machines.scopes import SCOPES


def explore(*, deeper: float, scopes: Mapping[str, tuple[Scope, ...]] = SCOPES) -> Report:
    """Bounded scopes go on for ``deeper`` seconds each."""
    todo = sorted(tasks(CATALOGUE, scopes=scopes), key=lambda task: task[1].deviations is not None)
    with ProcessPoolExecutor(
        max_workers=min(len(todo), os.cpu_count() or 1),
        mp_context=get_context("fork"),  # what is imported here need not be imported there
        initializer=gc.disable,  # a walk keeps what it makes; looking for what it dropped costs a third
    ) as pool:
        walks = pool.map(partial(_walk, deeper=deeper), todo)
        return judge(CATALOGUE, walks, release=list(DEMANDED)[-1])


def _walk(task: tuple[str, Scope], *, deeper: float) -> Walked:
    name, scope = task
    return walk(name, scope, procedures=CATALOGUE, clock=time.perf_counter, laws=LAWS, deeper=deeper)

"""What a worker has in its hands between rounds: cases it leases, and the commands under way for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from adapters.store.records import Step
from flows.performing import Errand, Result
from machines.kernel.case import Case


class Holdings:
    """A case is held as long as a command of it is under way. Used by the drive loop's thread only."""

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self._errands: dict[str, Errand] = {}
        self._by_case: Counter[str] = Counter()
        self.by_adapter: Counter[str] = Counter()

    def waits(self, sop: str) -> bool:
        """Whether a case of that procedure has a command under way."""
        return any(case.sop == sop for case in self.cases.values())

    def awaits(self, result: Result) -> bool:
        """Whether this very try of the step is still ours; an answer after a relapse is not."""
        return self._errands.get(result.errand.step.key) is result.errand

    def ended(self, results: Iterable[Result], overtaken: Iterable[Step]) -> list[Errand]:
        """What ends with ``results`` and because its step is ``overtaken``; once, where it is both."""
        ending = {result.errand.step.key: result.errand for result in results}
        for step in overtaken:
            if (errand := self._errands.get(step.key)) is not None:
                ending[step.key] = errand
        return list(ending.values())

    def idle_after(
        self, cases: Iterable[str], *, ended: Iterable[Errand], begun: Iterable[Errand]
    ) -> set[str]:
        """Those of ``cases``, and of the cases of ``ended``, with nothing under way once ``ended`` and
        ``begun`` are counted."""
        change = Counter(errand.step.case for errand in begun)
        change.subtract(errand.step.case for errand in ended)
        return {case for case in {*cases, *change} if self._by_case[case] + change[case] <= 0}

    def update(
        self,
        cases: Mapping[str, Case],
        *,
        released: Collection[str],
        ended: Iterable[Errand],
        begun: Iterable[Errand],
    ) -> None:
        """A round is committed."""
        for errand in ended:
            self._count(self._errands.pop(errand.step.key), -1)
        for errand in begun:
            self._errands[errand.step.key] = errand
            self._count(errand, 1)
        self.cases.update(cases)
        for identity in released:
            self.cases.pop(identity, None)

    def drop(self) -> None:
        """Let go of everything."""
        self.cases.clear()
        self._errands.clear()
        self._by_case.clear()
        self.by_adapter.clear()

    def _count(self, errand: Errand, change: int) -> None:
        self.by_adapter[errand.adapter] += change
        case = errand.step.case
        self._by_case[case] += change
        if self._by_case[case] <= 0:
            del self._by_case[case]

"""Who performs a flow run, as it is noted on the run itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Owner:
    """A worker, by the name under which it beats, of an installation (those who share a store)."""

    worker: str
    installation: str

    @property
    def labels(self) -> dict[str, str]:
        """The labels of its runs."""
        return {"sop.worker": self.worker, "sop.installation": self.installation}

    @classmethod
    def of(cls, labels: Mapping[str, object]) -> Owner:
        """Empty names where a run does not say."""
        worker, installation = labels.get("sop.worker", ""), labels.get("sop.installation", "")
        return cls(worker=str(worker), installation=str(installation))

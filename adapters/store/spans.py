"""From when to when each case moved in a round, and the proof that its journal gets no gap."""

from __future__ import annotations

from datetime import datetime

from adapters.store.records import Changes

Spans = dict[str, tuple[datetime, datetime]]
"""Case id -> (first entry at, last entry at)."""


def spans(changes: Changes) -> Spans:
    """Of every case opened or moved. Raises ``ValueError`` where entries and
    journal numbers do not match."""
    latest = dict.fromkeys(changes.opened, 0) | {case: at[1] for case, at in changes.moved.items()}
    found: Spans = {}
    for case, entry in changes.entries:
        if latest.get(case) != entry.seq - 1:
            raise ValueError(f"{case}: entry {entry.seq} does not follow {latest.get(case)}")
        latest[case] = entry.seq
        found[case] = (found[case][0], entry.at) if case in found else (entry.at, entry.at)
    for case, seq in latest.items():
        after = changes.opened[case] if case in changes.opened else changes.moved[case][0]
        if after.seq != seq or case not in found:
            raise ValueError(f"{case}: stands at {after.seq}, its journal at {seq}")
    return found

"""A piece of work: what a round is made of. The store gives the same piece again until it is dealt with."""

from __future__ import annotations

from adapters.store.records import InboxRow, Step, Taken
from flows.performing import Result

Piece = Result | Step | InboxRow | tuple[str, str]
"""A result, a step that is due, a letter, or a timer as (case id, name)."""


def ready(taken: Taken) -> list[Piece]:
    """What the store has for a round; results come from the performer."""
    return [*taken.steps, *taken.timers, *taken.letters]


def name_of(piece: Piece) -> object:
    """What stays the same when the store gives the same piece again."""
    match piece:
        case Result():
            return id(piece.errand)
        case Step():
            return piece.key
        case InboxRow():
            return piece.number
        case timer:
            return timer

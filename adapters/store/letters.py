"""Which new letters a round takes where a case does not exist yet."""

from __future__ import annotations

from collections.abc import Iterable

from adapters.store.records import InboxRow


def sort_letters(found: Iterable[tuple[InboxRow, bool]]) -> tuple[list[InboxRow], list[int]]:
    """(letters to take, numbers of the unmatched), of new letters in order, each with whether its case
    exists.

    Without a case, the first letter that opens it is taken with those after it, up to the next that opens:
    that one must meet the case as the first one left it. What came too early is unmatched until the case is
    opened.
    """
    taken: list[InboxRow] = []
    unmatched: list[int] = []
    opened: dict[str, bool] = {}
    for row, exists in found:
        letter = row.letter
        if exists:
            taken.append(row)
            continue
        case = letter.case
        if case not in opened:
            if not letter.opens:
                unmatched.append(row.number)
                continue
            opened[case] = True
        elif letter.opens:
            opened[case] = False
        if opened[case]:
            taken.append(row)
    return taken, unmatched

"""What must hold of an installation at rest, whatever happened to its processes: asked of its files."""

from __future__ import annotations

from collections import Counter

from tests.acceptance.house import House

UNIQUE = ("payment.", "stock.", "warehouse.", "carrier.")
"""Commands whose effect must not happen twice; a message may."""

_MUST_BE_EMPTY = {
    "the journal has a gap": """
        SELECT cases.id, cases.seq, count(seqs.seq) FROM cases
        LEFT JOIN journal AS seqs ON seqs.case_id = cases.id
        GROUP BY cases.id
        HAVING count(seqs.seq) <> cases.seq OR min(seqs.seq) <> 1 OR max(seqs.seq) <> cases.seq""",
    "an entry has no case": "SELECT case_id, seq FROM journal WHERE case_id NOT IN (SELECT id FROM cases)",
    "an outcome was applied twice": """
        SELECT case_id, event_id FROM journal WHERE source = 'step'
        GROUP BY case_id, event_id HAVING count(*) > 1""",
    "an event was applied twice": """
        SELECT case_id, source, event_id FROM journal WHERE disposition = 'handled'
        GROUP BY case_id, source, event_id HAVING count(*) > 1""",
    "an event was applied without a trace": """
        SELECT inbox.case_id, inbox.id FROM inbox
        LEFT JOIN journal USING (case_id, source)
        WHERE inbox.status = 'applied'
            AND inbox.type NOT IN ('staff.replay', 'staff.retry', 'staff.skip', 'staff.resent')
        GROUP BY inbox.number HAVING sum(journal.event_id = inbox.id) IS NOT 1
           AND sum(journal.event_id = inbox.id AND journal.disposition = 'handled') IS NOT 1""",
    "a step is done without an outcome": """
        SELECT key FROM steps WHERE status = 'done'
        AND NOT EXISTS (SELECT 1 FROM journal WHERE case_id = steps.case_id AND event_id = steps.key)""",
}
_MUST_REST = {
    "a case is leased": "SELECT id, lease FROM cases WHERE lease IS NOT NULL",
    "a step is under way": "SELECT key, status FROM steps WHERE status IN ('pending', 'running', 'retrying')",
    "an event waits": "SELECT case_id, type, status FROM inbox WHERE status IN ('new', 'deferred')",
}


def flaws(house: House, *, resting: bool = True) -> list[str]:
    """In words, with the first rows that show each; ``resting``: nothing is left to do."""
    asked = _MUST_BE_EMPTY | (_MUST_REST if resting else {})
    found = [f"{what}: {rows[:5]}" for what, query in asked.items() if (rows := house.rows(query))]
    twice = [effect for effect, times in _applied(house).items() if times > 1]
    if twice:
        found.append(f"an effect happened twice: {twice[:5]}")
    return found + (_unbooked(house) if resting else [])


def repeated(house: House) -> int:
    """Calls to the world beyond the first under the same key, those after a failure included."""
    return sum(line.requested - 1 for line in house.book())


def _applied(house: House) -> Counter[str]:
    counted: Counter[str] = Counter()
    for line in house.book():
        if line.command.startswith(UNIQUE):
            counted[line.effect] += line.applied
    return counted


def _unbooked(house: House) -> list[str]:
    """What the store says was done, and what the world says it did, are the same."""
    done = {str(row[0]) for row in house.rows("SELECT key FROM steps WHERE status = 'done'")}
    answered = {line.key for line in house.book() if line.answered}
    only = {"only the store says so": done - answered, "only the world says so": answered - done}
    return [f"{who}: {sorted(keys)[:5]}" for who, keys in only.items() if keys]

"""What must hold of an installation, whatever happened to its processes: asked of its database in plain SQL,
beside the store's own code, and of the book in which the simulated world wrote what it did."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice

from sqlalchemy import create_engine, text

from adapters.world.book import Line
from machines.kernel.command import parse_key
from machines.kernel.definition import Definition
from machines.kernel.event import Event
from machines.ledger import LAWS

Ask = Callable[[str], Sequence[Sequence[object]]]
"""The rows that a query finds, in SQL that SQLite and PostgreSQL understand alike."""

UNIQUE = ("payment.", "stock.", "warehouse.", "carrier.", "voucher.", "goodwill.", "replacement.")
"""Commands whose effect must not happen twice; a message may."""

_TRACES = "sum(CASE WHEN journal.event_id = inbox.id {and_} THEN 1 ELSE 0 END)"
_MUST_BE_EMPTY = {
    "the journal has a gap": """
        SELECT cases.id, cases.seq, count(journal.seq) FROM cases
        LEFT JOIN journal ON journal.case_id = cases.id
        GROUP BY cases.id, cases.seq
        HAVING count(journal.seq) <> cases.seq OR min(journal.seq) <> 1 OR max(journal.seq) <> cases.seq""",
    "an entry has no case": "SELECT case_id, seq FROM journal WHERE case_id NOT IN (SELECT id FROM cases)",
    "an outcome was applied twice": """
        SELECT case_id, event_id FROM journal WHERE source = 'step'
        GROUP BY case_id, event_id HAVING count(*) > 1""",
    "an event was applied twice": """
        SELECT case_id, source, event_id FROM journal WHERE disposition = 'handled'
        GROUP BY case_id, source, event_id HAVING count(*) > 1""",
    "an event was applied without a trace": f"""
        SELECT inbox.case_id, inbox.id FROM inbox
        LEFT JOIN journal ON journal.case_id = inbox.case_id AND journal.source = inbox.source
        WHERE inbox.status = 'applied'
            AND inbox.type NOT IN ('staff.replay', 'staff.retry', 'staff.skip', 'staff.resent')
        GROUP BY inbox.number, inbox.case_id, inbox.id
        HAVING {_TRACES.format(and_="")} <> 1
           AND {_TRACES.format(and_="AND journal.disposition = 'handled'")} <> 1""",
    "a step is done without an outcome": """
        SELECT key FROM steps WHERE status = 'done'
        AND NOT EXISTS (SELECT 1 FROM journal WHERE case_id = steps.case_id AND event_id = steps.key)""",
}
_MUST_REST = {
    "a case is leased": "SELECT id, lease FROM cases WHERE lease IS NOT NULL",
    "a step is under way": "SELECT key, status FROM steps WHERE status IN ('pending', 'running', 'retrying')",
    "an event waits": "SELECT case_id, type, status FROM inbox WHERE status IN ('new', 'deferred')",
}
_MUST_BE_MENDED = {
    "a step is parked": "SELECT key, error FROM steps WHERE status = 'parked'",
    "an event found no case": "SELECT case_id, type, reason FROM inbox WHERE status IN ('unmatched', 'dead')",
}
_POSTED = """
    SELECT case_id, event, body FROM journal
    WHERE source = 'step' OR source LIKE '%/%' OR disposition = 'handled'"""
_ENDED = "SELECT id, sop FROM cases WHERE ended"


@contextmanager
def reading(url: str) -> Iterator[Ask]:
    """Rows of the database at an address for SQLAlchemy."""
    engine = create_engine(url)

    def ask(query: str) -> Sequence[Sequence[object]]:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    try:
        yield ask
    finally:
        engine.dispose()


def flaws(ask: Ask, book: Sequence[Line], *, resting: bool = True) -> list[str]:
    """In words, with the first rows that show each; ``resting``: nothing is left to do."""
    found = _found(ask, _MUST_BE_EMPTY | (_MUST_REST if resting else {}))
    if again := twice(book):
        found.append(f"an effect happened twice: {again[:5]}")
    return found + (_unbooked(ask, book) if resting else [])


def twice(book: Sequence[Line]) -> list[str]:
    """The effects that happened more than once."""
    counted: Counter[str] = Counter()
    for line in book:
        if line.command.startswith(UNIQUE):
            counted[line.effect] += line.applied
    return [effect for effect, times in counted.items() if times > 1]


def unmended(ask: Ask) -> list[str]:
    """What waits for staff."""
    return _found(ask, _MUST_BE_MENDED)


def money(ask: Ask, book: Sequence[Line], definitions: Mapping[str, Definition]) -> list[str]:
    """Where a case that has ended breaks a law of its ledger, and where the journal and the world disagree
    about what was moved."""
    told = _posted(ask, definitions)
    broken = [
        f"{case}: {breach}"
        for case, sop in ((str(row[0]), str(row[1])) for row in ask(_ENDED))
        for law in LAWS[sop]
        for breach in law(told[case])
    ]
    done = _moved(book, definitions)
    differ = [
        f"{case}: the world says {dict(sums)}, the journal {dict(told[case])}"
        for case, sums in done.items()
        if any(told[case][account] != amount for account, amount in sums.items())
    ]
    return broken + differ


def _found(ask: Ask, queries: Mapping[str, str]) -> list[str]:
    return [f"{what}: {list(rows[:5])}" for what, query in queries.items() if (rows := ask(query))]


def _unbooked(ask: Ask, book: Sequence[Line]) -> list[str]:
    """What the store says was done, and what the world says it did, are the same."""
    done = {str(row[0]) for row in ask("SELECT key FROM steps WHERE status = 'done'")}
    answered = {line.key for line in book if line.answered}
    only = {"only the store says so": done - answered, "only the world says so": answered - done}
    return [f"{who}: {list(islice(sorted(keys), 5))}" for who, keys in only.items() if keys]


def _posted(ask: Ask, definitions: Mapping[str, Definition]) -> Mapping[str, Counter[str]]:
    """The ledger of each case, from its journal."""
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for case, event, body in ask(_POSTED):
        _post(sums[str(case)], _kind(definitions, str(case), str(event)), str(body))
    return sums


def _moved(book: Sequence[Line], definitions: Mapping[str, Definition]) -> Mapping[str, Counter[str]]:
    """The same from what the world answered to commands, the repeated ones once."""
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line in book:
        sop, key, _ = parse_key(line.key)
        event, _, body = (line.answer or "").partition(" ")
        _post(sums[f"{sop}/{key}"], _kind(definitions, f"{sop}/{key}", event), body)
    return sums


def _kind(definitions: Mapping[str, Definition], case: str, event: str) -> type[Event] | None:
    return definitions[case.partition("/")[0]].procedure.event_types.get(event)


def _post(sums: Counter[str], kind: type[Event] | None, body: str) -> None:
    if kind is not None and kind.postings is not Event.postings:
        for account, amount in kind.model_validate_json(body).postings().items():
            sums[account] += amount

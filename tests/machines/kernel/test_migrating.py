"""Cases come to the version in force with one journal entry, or stay and say why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from machines.kernel.case import Case
from machines.kernel.decide import decide, open_case
from machines.kernel.definition import Definition
from machines.kernel.duration import working_hours
from machines.kernel.errors import DefinitionError
from machines.kernel.event import Received
from machines.kernel.hold import Hold
from machines.kernel.migrating import Migrated, Stuck, migrate
from machines.kernel.migration import Migration
from tests.machines.kernel.desk import Desk, at
from tests.toy import DEFINITION, EVENTS, LOAN, Loan
from tests.toy_clock import AWAITING, OPEN, PROCEDURE, RESOLUTION, AskedBack

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=5)
TO_TWO = Migration(1, "a loan counts its renewals", data=lambda data: {"renewals": 0, **data})
TO_THREE = Migration(2, "reminding is part of lending", states={"reminding": "lent"})


def version(number: int, *migrations: Migration) -> Definition:
    return Definition(replace(LOAN, version=number, migrations=migrations), due=DEFINITION.due)


def lent(*more: str) -> Case:
    case = open_case(DEFINITION, key="L-1")
    for number, kind in enumerate(("loan.lent", *more)):
        case = decide(DEFINITION, case, Received(str(number), "t", kind, EVENTS[kind], NOW), NOW).case
    return case


def move(
    definition: Definition, case: Case, data: dict[str, Any] | None, *, under_way: tuple[str, ...] = ()
) -> Migrated | Stuck:
    bare = replace(case, data=None)
    return migrate(definition, bare, data, under_way=under_way, now=LATER, who="Ann", reason="new rules")


def test_state_data_and_deadlines_come_along() -> None:
    case = lent("deadline.overdue")
    moved = move(version(3, TO_TWO, TO_THREE), case, {"book": "Emma"})
    assert isinstance(moved, Migrated)
    assert (moved.case.version, moved.case.state, moved.case.data) == (3, "lent", Loan(book="Emma"))
    assert moved.case.seq == case.seq + 1 == moved.entry.seq
    assert (moved.entry.before, moved.entry.after, moved.entry.source) == ("reminding", "lent", "Ann")
    assert moved.entry.reason == "new rules (a loan counts its renewals; reminding is part of lending)"
    assert moved.timers_moved == {
        "nagged": (NOW + timedelta(hours=1), None),
        "overdue": (None, LATER + timedelta(hours=24)),
    }
    assert (moved.timers_cleared, [timer.name for timer in moved.timers_set]) == (["nagged"], ["overdue"])


def test_a_deadline_that_runs_before_and_after_goes_on() -> None:
    moved = move(version(2, TO_TWO), lent(), {"book": "Emma"})
    assert isinstance(moved, Migrated)
    assert moved.timers_moved == {}
    assert moved.case.timers["overdue"].due == NOW + timedelta(hours=24)


def test_what_cannot_move_says_why_without_quoting_data() -> None:
    cases = (
        (version(2), "loan states no migration from version 1"),
        (version(2, Migration(1, "x", states={"lent": "away"})), "version 2 has no state 'away'"),
        (version(2, Migration(1, "x", data=lambda _: {"book": 7, "shelf": 1})), "data.book: string_type"),
        (version(2, Migration(1, "x", data=_of_shelf)), "the mapping failed: KeyError, from version 1"),
        (version(0), "version 1 is newer than 0"),
    )
    for definition, why in cases:
        stuck = move(definition, lent(), {"book": "Emma"})
        assert isinstance(stuck, Stuck)
        assert stuck.reasons[0].startswith(why)
        assert "Emma" not in str(stuck.reasons)


def _of_shelf(data: dict[str, Any]) -> dict[str, Any]:
    return {"book": data[f"shelf of {data['book']}"]}


def test_deadlines_that_cannot_be_found_are_named() -> None:
    def due(*_: object) -> datetime:
        raise KeyError("Emma")

    three = Definition(replace(LOAN, version=3, migrations=(TO_TWO, TO_THREE)), due=due)
    assert stays(three, lent("deadline.overdue")) == "its deadlines cannot be found: KeyError"


def test_a_clock_goes_on_with_what_it_has_used_and_one_that_is_gone_is_forgotten() -> None:
    desk = Desk()
    desk.tell(AskedBack(), at("2026-11-23T11:00"))
    shorter = replace(RESOLUTION, budget=working_hours(4), pauses_in=(), runs_in=(OPEN, AWAITING))
    new = replace(PROCEDURE, version=2, migrations=(Migration(1, "no more waiting"),), clocks=(shorter,))
    definition = Definition(new, due=desk.definition.due, timing=desk.definition.timing)
    data = desk.case.data
    assert data is not None
    bare = replace(desk.case, data=None)
    moved = migrate(
        definition, bare, data.model_dump(), now=at("2026-11-24T09:00"), who="Ann", reason="new rules"
    )
    assert isinstance(moved, Migrated)
    assert list(moved.case.clocks) == ["resolution"]
    assert moved.case.clocks["resolution"].due == at("2026-11-24T11:00"), "two of four hours are used"
    assert moved.timers_moved == {
        "resolution.50": (None, at("2026-11-23T11:00")),
        "statutory.100": (at("2027-01-18T09:00"), None),
    }


def test_a_case_on_hold_stays_where_it_is() -> None:
    desk = Desk()
    definition = Definition(
        replace(PROCEDURE, version=2, migrations=(Migration(1, "new"),)), due=lambda *_: NOW
    )
    held = replace(desk.case, data=None, hold=Hold(since=NOW, who="ann", reason="strike"))
    stuck = migrate(definition, held, {}, now=NOW, who="Ann", reason="new rules")
    assert isinstance(stuck, Stuck)
    assert stuck.reasons == ("it is on hold, by ann: strike; resume it first",)


def gone(state: str, to: str) -> Definition:
    return version(2, Migration(1, "lending is over", states={state: to}))


def stays(definition: Definition, case: Case, *, under_way: tuple[str, ...] = ()) -> str:
    stuck = move(definition, case, {"book": "Emma"}, under_way=under_way)
    assert isinstance(stuck, Stuck)
    assert len(stuck.reasons) == 1
    return stuck.reasons[0]


def test_a_case_does_not_come_to_stand_where_something_should_have_begun() -> None:
    why = stays(gone("lent", "reminding"), lent())
    assert why.startswith(
        "who enters 'reminding' performs reminder.send, and a migration does not: map 'lent'"
    )
    assert why.endswith("or, if it is that state under another name, state it under 'renamed'")


def test_a_case_does_not_end_without_a_word_to_the_case_that_opened_it() -> None:
    child = replace(lent(), parent="order/L-1")
    assert stays(gone("lent", "back"), child).startswith(
        "who enters 'back' tells other cases, and a migration"
    )
    moved = move(gone("lent", "back"), lent(), {"book": "Emma"})
    assert isinstance(moved, Migrated), "nobody is waiting to hear of it"


def test_a_state_that_only_has_another_name_is_not_entered_again() -> None:
    clearer = version(2, Migration(1, "clearer names", renamed={"lent": "reminding", "reminding": "back"}))
    child = replace(lent("deadline.overdue"), parent="order/L-1")
    for case, name in ((lent(), "reminding"), (child, "back")):
        moved = move(clearer, case, {"book": "Emma"})
        assert isinstance(moved, Migrated)
        assert (moved.case.state, moved.entry.before, moved.entry.after) == (name, case.state, name)


def test_a_state_is_gone_or_renamed() -> None:
    with pytest.raises(DefinitionError, match="'lent' is gone and that it is renamed; keep one"):
        Migration(1, "x", renamed={"lent": "back"}, states={"lent": "reminding"})


def test_a_step_under_way_must_be_one_that_the_new_version_performs() -> None:
    two = version(2, TO_TWO)
    assert isinstance(move(two, lent(), {"book": "Emma"}, under_way=("reminder.send",)), Migrated)
    why = stays(two, lent(), under_way=("reminder.send", "fine.charge", "fine.charge"))
    assert why.startswith("its step fine.charge has not ended, and version 2 does not know it")

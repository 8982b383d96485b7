"""What the commands answer: on an installation, on none, and on one of another version."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy
from typer.testing import CliRunner, Result

from adapters.store.records import RETRY, Changes, Live, Step, StepStatus
from adapters.store.recovering import staff_letter
from deployments.bootstrap import Application, open_application
from deployments.cli import app as sop
from deployments.cli.doctor import versions
from deployments.errors import MasterKeyMissing
from deployments.settings import Settings
from machines.catalogue import CATALOGUE
from machines.check.report import Report
from machines.definitions import definitions
from machines.kernel.case import Case, Entry
from machines.kernel.event import SEALED
from machines.kernel.rule import Disposition
from machines.policy import load as load_policy
from tests.adapters.test_web import ReadableStore, served
from tests.adapters.test_web import app as intake_on

ASKING = (
    ["cases"],
    ["show", "SO-1"],
    ["steps"],
    ["letters"],
    ["letter", "1"],
    ["resend", "1", "--reason", "x"],
    ["doctor"],
    ["replay", "SO-1", "--reason", "x"],
)
CANCEL = '{"customer": "C-1"}'
PLACED = {
    "customer": "C-1",
    "buyer": {"name": "Anna Berg", "email": "anna@example.org"},
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The commands run here, with no settings but the width of the terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    for name in ("SOP_HOME", "SOP_STORE_URL", "SOP_MASTER_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(sop, list(arguments), input=typed)


def park(app: Application, *errors: str, key: str = "SO-1", failed: datetime | None = None) -> list[str]:
    """Parked steps of an order, one for each error."""
    case, now = Case("order", key, 1, "hash", "placed", None, 1), datetime.now(UTC)
    body = {"note": f"{SEALED}1:C-1:c2VjcmV0"}
    entry = Entry(1, now, "order.placed", "test", "e-1", Disposition.HANDLED, "", "placed", "", body)
    step = Step("", case.id, "payment.capture", b"{}", StepStatus.PARKED, now, attempts=5)
    steps = [
        replace(step, key=f"{case.id}/payment.capture/{number}", error=error, failed=failed)
        for number, error in enumerate(errors, 1)
    ]
    with app.store.round(worker="w") as round_:
        round_.write(Changes(opened={case.id: case}, entries=[(case.id, entry)], steps=steps))
    app.store.leave(worker="w", now=now)
    return [step.key for step in steps]


@pytest.mark.parametrize("command", ASKING, ids=lambda command: command[0])
def test_who_only_asks_makes_no_installation(command: list[str], folder: Path) -> None:
    answer = run(*command)
    assert answer.exit_code == 2
    assert f"no installation at {folder / '.sop'}; start one with 'sop up'" in answer.stderr
    assert list(folder.iterdir()) == []


def test_a_store_by_url_is_not_made_either(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOP_STORE_URL", f"sqlite:///{folder}/elsewhere/cases.db")
    assert run("cases").exit_code == 2
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(("version", "words"), [("0000", "newer version"), (None, "no installation")])
def test_tables_of_another_version_are_left_alone(folder: Path, version: str | None, words: str) -> None:
    with open_application(Settings()):
        pass
    with closing(sqlalchemy.create_engine(Settings().url).connect()) as connection:
        connection.execute(sqlalchemy.text("DELETE FROM alembic_version"))
        if version:
            connection.execute(sqlalchemy.text(f"INSERT INTO alembic_version VALUES ('{version}')"))
        connection.commit()
        connection.engine.dispose()
    answer = run("steps")
    assert answer.exit_code == 2
    assert words in answer.stderr


def test_a_shared_store_needs_a_key_that_is_given(folder: Path) -> None:
    settings = Settings(store_url="postgresql://sop@127.0.0.1:1/sop")
    with pytest.raises(MasterKeyMissing, match="SOP_MASTER_KEY"), open_application(settings):
        pass
    assert not (folder / ".sop" / "master.key").exists()


def test_an_unusable_key_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOP_MASTER_KEY", "hunter2")
    answer = run("send", "order.cancel", "SO-1", CANCEL)
    assert answer.exit_code == 2
    assert "32 random bytes" in answer.stderr
    assert "hunter2" not in answer.stderr


def test_personal_fields_are_no_arguments(folder: Path) -> None:
    refused = run("send", "order.placed", "SO-1", json.dumps(PLACED))
    assert refused.exit_code == 2
    assert "buyer of order.placed may be personal" in refused.stderr
    assert "standard input, or --file" in refused.stderr
    assert list(folder.iterdir()) == []
    typed = run("send", "order.placed", "SO-1", "-", typed=json.dumps(PLACED))
    assert "may be personal" not in typed.stderr


def test_letters_are_listed_without_their_bodies() -> None:
    assert run("send", "order.cancel", "SO-1", "-", typed=CANCEL).exit_code == 0
    with open_application(Settings()) as app, app.store.round(worker="w") as round_:
        round_.take(now=app.clock(), limit=10, held=())
        round_.write(Changes())
    (row,) = json.loads(run("letters", "--unmatched", "--json").stdout)
    assert (row["type"], row["case"], row["status"]) == ("order.cancel", "order/SO-1", "unmatched")
    assert set(row) == {"number", "source", "id", "type", "case", "received", "status", "reason", "needs"}
    assert json.loads(run("letters", "--dead", "--json").stdout) == []


def test_the_doctor_counts_exactly_and_prints_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOP_LEASE", "7")
    monkeypatch.setenv("SOP_PREFECT_API_URL", "http://staff:secret@127.0.0.1:1/api")
    with open_application(Settings()) as app:
        app.store.beat(worker="host:1", now=app.clock() - timedelta(hours=3))
    assert run("send", "order.cancel", "SO-1", "-", typed=CANCEL).exit_code == 0
    answer = run("doctor", "--json")
    assert answer.exit_code == 1
    said = json.loads(answer.stdout)
    found = {row["part"]: row["found"] for row in said["checks"]}
    assert found["backlog"].startswith("1 events wait, the oldest for ")
    assert found["workers"] == "no worker has been seen for 3 h"
    assert found["overdue timers"] == "0 due for more than 60 s"
    settings = {row["setting"]: row for row in said["settings"]}
    assert (settings["lease"]["value"], settings["lease"]["from"]) == ("7.0", "SOP_LEASE")
    assert settings["prefect_api_url"]["value"] == "http://staff:***@127.0.0.1:1/api"
    assert settings["web_port"]["from"] == "default"
    assert "secret" not in answer.stdout


def test_the_doctor_says_why_the_intake_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    store = ReadableStore()
    store.down = True
    with open_application(Settings()), served(intake_on(store)) as address:
        monkeypatch.setenv("SOP_WEB_PORT", address.rpartition(":")[2])
        said = json.loads(run("doctor", "--json").stdout)
    (found,) = (row["found"] for row in said["checks"] if row["part"] == "web intake")
    assert found == f"{address}/health answers 503: the store takes no writes: down"


def test_the_doctor_finds_cases_that_no_version_here_can_drive() -> None:
    order = CATALOGUE.procedure("order")
    live = [Live("order", order.version, order.hash, 5, 0), Live("order", order.version, "other", 4, 9)]
    live += [
        Live("order", order.version + 1, "new", 3, 0),
        Live("rental", 1, "gone", 2, 0),
        Live("order", order.version + 2, "x", 0, 7),
    ]
    found = list(versions(live, definitions(load_policy())))
    assert [(one.part, one.well) for one in found] == [
        ("version of order", True),
        ("version of order", False),
        ("version of rental", False),
    ]
    assert found[0].found.startswith(f"version {order.version} has changed since 4 open cases began (other,")
    assert found[1].found == f"3 open cases run on version {order.version + 1}"
    assert found[2].remedy == "known here is no such procedure; run that version, or migrate"


def test_a_case_is_told_without_sealed_fields() -> None:
    with open_application(Settings()) as app:
        park(app)
    (entry,) = json.loads(run("show", "SO-1", "--json").stdout)["journal"]
    assert entry["body"] == {"note": "(personal)"}


def test_replay_chooses_by_case_and_error_and_only_looks_when_told_so() -> None:
    with open_application(Settings()) as app:
        _, declined = park(app, "answered 503", "declined")
    for words in (
        ["SO-1", "--error", "declined"],
        [declined],
        ["--command", "payment.capture", "--error", "decl"],
    ):
        rows = json.loads(run("replay", *words, "--reason", "x", "--dry-run", "--json").stdout)
        assert [row["step"] for row in rows] == [declined]
    assert len(json.loads(run("replay", "order/SO-1", "--reason", "x", "--dry-run", "--json").stdout)) == 2
    rows = json.loads(run("replay", "SO-1", "--limit", "1", "--reason", "x", "--dry-run", "--json").stdout)
    assert len(rows) == 1
    assert {row["status"] for row in json.loads(run("steps", "--json").stdout)} == {"parked"}


def test_steps_tell_what_is_at_stake_and_what_a_replay_does() -> None:
    with open_application(Settings()) as app:
        park(app, "payment.capture: answered 503")
        given = b'{"charge": {"amount": 3000, "payment": "1"}, "currency": "EUR"}'
        (step,) = app.store.steps()
        amended = replace(step, arguments=given)
        letter = staff_letter(RETRY, step.key, step.case, now=app.clock(), told={"who": "x", "reason": "y"})
        assert app.store.amend(amended, now=app.clock(), letter=letter)
    (row,) = json.loads(run("steps", "--json").stdout)
    assert (row["case"], row["error"]) == ("order/SO-1", "answered 503")
    assert row["at_stake"] == {"amount": 3000, "currency": "EUR"}
    assert row["on_replay"].startswith("Asks again under the same idempotency key")
    assert "1 step, 30.00 EUR at stake" in run("steps").stdout


@pytest.mark.parametrize("skipped", [False, True])
def test_nothing_is_at_stake_in_a_step_that_is_over(skipped: bool) -> None:
    with open_application(Settings()) as app:
        case, now = Case("order", "SO-1", 1, "hash", "placed", None, 1), app.clock()
        entry = Entry(1, now, "order.placed", "test", "e-1", Disposition.HANDLED, "", "placed", "", {})
        given = b'{"amount": 3000, "currency": "EUR"}'
        key = "order/SO-1/payment.capture/1"
        step = Step(key, case.id, "payment.capture", given, StepStatus.PARKED, now)
        done = step.done("payment.captured", attempts=2, skipped=skipped)
        with app.store.round(worker="w") as round_:
            round_.write(Changes(opened={case.id: case}, entries=[(case.id, entry)], steps=[done]))
    told = run("steps").stdout
    assert "payment.captured" in told
    assert "30.00 EUR" not in told
    (row,) = json.loads(run("steps", "--json").stdout)
    assert row["at_stake"] == {"amount": 3000, "currency": "EUR"}


def test_interventions_that_do_not_fit_say_why() -> None:
    with open_application(Settings()) as app:
        park(app, "refused", "refused")
    for words, told in (
        (["skip", "SO-1", "--outcome", "x"], "SO-1 has several parked steps; name one: order/SO-1/payment"),
        (["retry", "SO-9", "--set", "a=b"], "nothing parked is called SO-9"),
        (["send-back", "SO-9", "--to", "placed"], "there is no case SO-9"),
        (["retry", "SO-1", "--set", "token"], "--set token: write field=value"),
        (["skip", "SO-1", "--outcome", "x", "--data", "[]"], "--data: write a JSON object"),
    ):
        answer = run(*words, "--reason", "x")
        assert answer.exit_code == 2, words
        assert told in answer.stderr
    assert json.loads(run("send-back", "SO-1", "--json").stdout) == []
    many = run("replay", "--sop", "order", "--reason", "x")
    assert many.exit_code == 1
    assert "none of the 2 steps is queued" in many.stderr


def test_a_change_says_how_long_it_waits_and_why() -> None:
    with open_application(Settings()) as app:
        park(app, "refused", failed=app.clock())
    answer = run("retry", "SO-1", "--set", "token=x", "--reason", "y")
    assert answer.exit_code == 2
    assert "until no try can be on its way any more, 30 s after the last: try it after " in answer.stderr


def test_what_is_not_approved_stands_above_the_result_of_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    report = Report((), ())
    monkeypatch.setattr(sys.modules["deployments.cli.procedures"], "explore", lambda deeper: report)
    *above, last = run("check").stdout.strip().splitlines()
    assert last == str(report).splitlines()[-1]
    assert above[0].startswith("not approved as they stand: ")


def test_help_texts_are_filled_to_the_width_of_the_terminal() -> None:
    told = run("steps", "--help").stdout
    assert "what money hangs on it, and what a replay would do." in told


def test_replay_says_when_nobody_drives() -> None:
    with open_application(Settings()) as app:
        park(app, "answered 503")
    answer = run("replay", "SO-1", "--reason", "x")
    assert answer.exit_code == 1
    assert "nobody drives this store: start 'sop worker'; the step is queued" in answer.stderr


def test_replay_says_when_steps_do_not_settle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["deployments.cli.steps"], "_PATIENCE_SECONDS", 0.1)
    with open_application(Settings()) as app:
        park(app, "answered 503")
        app.store.beat(worker="host:1", now=app.clock())
    answer = run("replay", "SO-1", "--reason", "x")
    assert answer.exit_code == 1
    assert "1 of 1 did not settle within a minute" in answer.stderr


def test_an_approval_is_noted_and_listed(folder: Path) -> None:
    assert run("approve", "refund", "--name", "Rita Mayer").exit_code == 2
    wrong = run("approve", "refund", "--name", 'Rita "R" Mayer', "--role", "Head of finance")
    assert wrong.exit_code == 2
    assert "--name" in wrong.stderr
    answer = run("approve", "refund", "--name", "Rita Mayer", "--role", "Head of finance", "--json")
    assert json.loads(answer.stdout)["hash"] == CATALOGUE.procedure("refund").hash
    listed = {row["procedure"]: row["approved by"] for row in json.loads(run("approve", "--json").stdout)}
    assert listed["refund"].startswith("Rita Mayer, Head of finance, ")
    assert listed["order"] == ""


def test_a_stale_handbook_fails_and_is_written_anew(folder: Path) -> None:
    assert run("handbook", "pages").exit_code == 0
    assert run("handbook", "pages", "--check").exit_code == 0
    (folder / "pages" / "refund.md").write_text("old")
    (folder / "pages" / "gone.md").write_text("old")
    answer = run("handbook", "pages", "--check")
    assert answer.exit_code == 1
    assert "stale: gone.md, refund.md" in answer.stderr
    assert run("handbook", "pages").exit_code == 0
    assert sorted(path.name for path in (folder / "pages").iterdir())[0] == "README.md"
    assert not (folder / "pages" / "gone.md").exists()


def test_migrating_says_who_would_be_stuck_and_then_who_is() -> None:
    with open_application(Settings()) as app:
        park(app)
        with app.store.round(worker="w") as round_:
            (kept,) = round_.behind(sop="order", version=1, after="", limit=9)
            older = replace(kept.case, version=0, seq=2)
            entry = Entry(2, app.clock(), "x", "t", "e-2", Disposition.HANDLED, "placed", "placed", "", {})
            changes = Changes(moved={older.id: (older, 1)}, entries=[(older.id, entry)], released={older.id})
            round_.write(changes)
    for words in (["--dry-run"], []):
        answer = run("migrate", "order", "--reason", "new rules", "--json", *words)
        assert answer.exit_code == 1
        said = json.loads(answer.stdout)
        assert (said["moved"], said["stuck"]) == (0, 1)
        assert said["cases"][0]["stuck"] == "order states no migration from version 0"
    assert run("migrate", "ordr", "--reason", "x").exit_code == 2


SECRET = "whsec_" + "c2VjcmV0" * 4


def test_keys_of_sources_are_counted_and_not_shown(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "sop.toml").write_text(f'[source_keys]\nshop = ["{SECRET}", "{SECRET}"]\n')
    assert Settings().shown("source_keys") == "shop: 2"
    monkeypatch.setenv("SOP_SOURCE_KEYS", json.dumps({"till": [SECRET]}))
    settings = Settings()
    assert (settings.shown("source_keys"), settings.sources()["source_keys"]) == (
        "shop: 2, till: 1",
        "SOP_SOURCE_KEYS",
    )
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("whsec_hunter2", "a setting of several parts is written as JSON"),
        ('{"shop": ["whsec_hunter2"]}', "setting source_keys: Value error, a key is whsec_ and the base64"),
        ('{"shop": []}', "shop has no key; leave it out, or give it one"),
    ],
)
def test_an_unusable_key_of_a_source_is_one_sentence(
    value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOP_SOURCE_KEYS", value)
    answer = run("web")
    assert (answer.exit_code, "hunter2" in answer.stderr) == (2, False)
    assert words in answer.stderr


@pytest.mark.parametrize("name", ["EU/1", "order/EU/1"])
def test_a_key_may_hold_a_slash(name: str) -> None:
    with open_application(Settings()) as app:
        park(app, "card declined", key="EU/1")
    assert json.loads(run("show", name, "--json").stdout)["case"] == "order/EU/1"
    assert "no case 'refund/EU/1'" in run("show", "refund/EU/1").stderr


def unmatched(key: str) -> str:
    """The number of a cancellation for an order that nobody has placed."""
    assert run("send", "order.cancel", key, "-", typed=CANCEL).exit_code == 0
    with open_application(Settings()) as app, app.store.round(worker="w") as round_:
        round_.take(now=app.clock(), limit=10, held=())
        round_.write(Changes())
    listed = json.loads(run("letters", "--unmatched", "--json").stdout)
    return str(next(row["number"] for row in listed if row["case"] == f"order/{key}"))


def test_a_letter_is_explained_corrected_and_sent_again() -> None:
    number = unmatched("SO-11")
    told = json.loads(run("letter", number, "--json").stdout)
    assert told["needs"].startswith("order/SO-11 to be opened by order.placed")
    assert told["data"] == {"customer": "C-1", "reason": "changed mind", "note": None}
    note = '{"note": "Anna asked for it"}'
    argument = run("resend", number, "--subject", "SO-1", "--reason", "typo", "--data", note)
    assert (argument.exit_code, "note of order.cancel may be personal" in argument.stderr) == (2, True)
    sent = run(
        "resend", number, "--subject", "SO-1", "--reason", "typo", "--who", "Ann", "--data", "-", typed=note
    )
    assert sent.exit_code == 0, sent.stderr
    assert f"letter {number} is sent again as " in sent.stdout
    old = json.loads(run("letter", number, "--json").stdout)
    assert (old["status"], old["reason"], old["needs"]) == ("resent", "sent again by Ann: typo", "")
    new = json.loads(run("letter", str(old["sent_again_as"]), "--json").stdout)
    assert (new["case"], new["source"], new["status"]) == ("order/SO-1", "staff", "new")
    assert new["data"]["note"] == "(personal)"
    assert "Anna" not in run("letter", str(old["sent_again_as"])).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["resend", "99", "--reason", "x"],
            "there is no letter 99; 'sop letters' lists all [not-resendable]",
        ),
        (["letter", "99"], "there is no letter 99"),
        (["resend", "1", "--reason", "x", "--type", "order.canel"], "did you mean order.cancel or"),
        (["resend", "1", "--reason", "x", "--data", "{"], "DATA is not JSON"),
        (["resend", "1", "--reason", "x", "--data", '{"customer": null}'], "data.customer: add this field"),
    ],
)
def test_what_cannot_be_sent_again_is_one_sentence(arguments: list[str], words: str) -> None:
    unmatched("SO-1")
    answer = run(*arguments)
    assert (answer.exit_code, words in answer.stderr) == (2, True), answer.stderr

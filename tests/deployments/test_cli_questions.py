"""``sop asks``, ``sop answer`` and ``sop token`` on an installation whose worker runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deployments.bootstrap import Application, open_application
from deployments.cli import app as sop
from deployments.driving import running_driver
from deployments.settings import Settings
from machines.complaint.events import ComplaintReceived
from tests.asking import FEE, NOWHERE, ORDER, STOLEN
from tests.conftest_prefect import eventually


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("house"))
        patch.setenv("COLUMNS", "300")
        patch.setenv("SOP_PUBLIC_URL", "https://shop.example/sop")
        with open_application(Settings()) as app, running_driver(app):
            yield app


def run(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(sop, list(arguments), input=typed)


def asked(app: Application, key: str, **order: object) -> None:
    """An order that asks something."""
    event = {"specversion": "1.0", "id": key, "source": "shop", "type": "order.placed", "subject": key}
    app.intake.accept([event | {"data": {"order": key, **ORDER, **order}}])
    eventually(lambda: app.questions.of_key(key))


def test_open_questions_are_listed_by_role(house: Application) -> None:
    asked(house, "SO-1", **STOLEN)
    asked(house, "SO-2", **FEE)
    rows = json.loads(run("asks", "--role", "order desk", "--json").stdout)
    assert [(row["case"], row["asks"]) for row in rows] == [("order/SO-1", "order desk")]
    assert rows[0]["since"] < rows[0]["deadline"]
    table = run("asks", "--case", "SO-2").stdout
    assert "customer" in table
    assert "deadline (UTC)" in table
    (row,) = json.loads(run("asks", "--case", "SO-2", "--json").stdout)
    assert row["form"] == "order.choice"


def test_an_answer_by_fields_is_the_event_of_the_form(house: Application) -> None:
    asked(house, "SO-3", **STOLEN)
    what = run("answer", "SO-3")
    assert "A colleague looks at a suspicious order." in what.stdout
    assert "stolen means of payment" in what.stdout
    assert "Answered by order.reviewed" in what.stdout
    said = ("--form", "accept=no", "--form", "reason=stolen card", "--who", "Anna")
    done = run("answer", "SO-3", *said)
    assert done.stdout == "order/SO-3: taken; the case stands at: Rejected\n"
    (entry,) = [e for e, _ in house.store.journal("order/SO-3") if e.event == "order.reviewed"]
    assert entry.source == "sop-answer:Anna"
    again = run("answer", "SO-3", *said)
    assert again.exit_code == 2
    assert "SO-3 asks nothing" in again.stderr


def test_what_is_wrong_with_an_answer_is_named(house: Application) -> None:
    asked(house, "SO-4", **STOLEN)
    for arguments, told in (
        (["--form", "accept=perhaps", "--form", "reason=x"], "accept: Input should be a valid boolean"),
        (["--form", "accept=yes"], "reason: add this field"),
        (["--form", "colour=red"], "has no field 'colour'; it has accept, reason"),
        (["--form", "accept"], "write it as field=value"),
        (["--json", "missing.json"], "No such file"),
    ):
        answer = run("answer", "SO-4", *arguments)
        assert (answer.exit_code, told in answer.stderr) == (2, True), answer.stderr
    assert house.questions.of_key("SO-4")


def test_a_refusal_of_the_case_is_told(house: Application) -> None:
    asked(house, "SO-5", **FEE)
    answer = run("answer", "SO-5", "--form", "choice=wait")
    assert answer.exit_code == 1
    assert "not taken: that is not among the choices offered" in answer.stderr


def test_personal_answers_come_from_a_file_or_standard_input(house: Application) -> None:
    asked(house, "SO-6", **NOWHERE)
    refused = run("answer", "SO-6", "--form", "ship_to.street=7 Hidden Lane")
    assert refused.exit_code == 2
    assert "the command line is no place for it" in refused.stderr
    address = {"street": "7 Hidden Lane", "city": "Ulm", "postcode": "89073", "zone": "89", "country": "DE"}
    done = run("answer", "SO-6", "--json", "-", typed=json.dumps({"ship_to": address}))
    assert "taken" in done.stdout, done.stderr
    assert b"Hidden" not in Path(".sop/cases.db").read_bytes()


def test_a_link_is_made_for_the_customer_alone(house: Application) -> None:
    asked(house, "SO-7", **FEE)
    link = run("token", "SO-7").stdout.strip()
    assert link.startswith("https://shop.example/sop/answer/")
    token = link.rpartition("/")[2]
    assert house.links.read(token).question == house.questions.of_key("SO-7")[0].id
    asked(house, "SO-8", **STOLEN)
    nothing = run("token", "SO-8")
    assert nothing.exit_code == 2
    assert "SO-8 asks the customer nothing" in nothing.stderr


def test_sums_are_written_as_in_the_form_of_prefect(house: Application) -> None:
    answers = (
        ("complaint.taken", {"owner": "a.field"}),
        ("complaint.assessed", {"severity": "S3", "nature": "service"}),
        ("complaint.found", {"cause": "too few people", "upheld": True}),
    )
    complaint = {**ComplaintReceived.examples[1], "complaint": "CP-1"}
    for number, (type, data) in enumerate((("complaint.received", complaint), *answers)):
        event = {"specversion": "1.0", "id": f"c-{number}", "source": "shop", "type": type, "data": data}
        house.intake.accept([event | {"subject": "CP-1"}])
        stands = [*answers, ("complaint.proposed", {})][number][0]
        eventually(lambda: [q for q in house.questions.of_key("CP-1") if q.form.type == stands])  # noqa: B023
    assert "sum in EUR, such as 12.50" in run("answer", "CP-1").stdout
    said = ("--form", "remedy=voucher", "--form", "explanation=sorry")
    wrong = run("answer", "CP-1", *said, "--form", "amount=1,500")
    assert (wrong.exit_code, "amount: '1,500' is no sum in EUR" in wrong.stderr) == (2, True)
    done = run("answer", "CP-1", *said, "--form", "amount=15")
    assert "taken" in done.stdout, done.stderr
    (body,) = [b for e, b in house.store.journal("complaint/CP-1") if e.event == "complaint.proposed"]
    assert json.loads(body)["amount"] == 1500

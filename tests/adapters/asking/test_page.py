"""The customer's page: what it shows, what it takes, and what it says when it is too late."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from adapters.asking.links import Links
from adapters.asking.page import SOURCE
from adapters.asking.wording import wording
from adapters.errors import StoreUnavailable
from adapters.web import create_app
from flows.migration import Migrator
from machines.complaint.events import ComplaintReceived, OfferAnswered
from machines.order.events import ChoiceMade
from machines.returns.events import OfferAnswered as ReturnOfferAnswered
from tests.asking import (
    BASE,
    FEE,
    KEY,
    NOWHERE,
    SHORT,
    STOLEN,
    Clock,
    Office,
    open_office,
    renamed,
)
from tests.conftest_prefect import eventually


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with open_office() as opened:
        yield opened


class Browser:
    """Opens one link and fills its form in, as a phone without JavaScript does."""

    def __init__(self, office: Office, link: str) -> None:
        self.app = create_app(office.intake, store=office.store, explain=lambda _: [], page=office.page)
        self._path = link.removeprefix(BASE)

    def open(self, method: str = "GET") -> httpx.Response:
        return asyncio.run(self._ask(method, None, {}))

    def fill_in(self, **said: str) -> httpx.Response:
        return self.post({name.replace("__", "."): value for name, value in said.items()})

    def post(self, said: dict[str, str], **headers: str) -> httpx.Response:
        form = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
        return asyncio.run(self._ask("POST", urlencode(said).encode(), {**form, **headers}))

    async def _ask(self, method: str, body: bytes | None, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            return await client.request(method, self._path, content=body, headers=headers)


def asked(office: Office, key: str, **order: object) -> Browser:
    office.place(key, **order)
    question = office.asked(key, "awaiting_choice")
    return Browser(office, office.links.url(question.id))


def test_the_page_shows_question_facts_choices_and_deadline(office: Office) -> None:
    answer = asked(office, "SO-1", **SHORT).open()
    assert answer.status_code == 200
    text = answer.text
    assert '<html lang="en">' in text
    assert "Not all of your order can be had as you placed it." in text
    assert "In stock again on" in text
    due = office.asked("SO-1", "awaiting_choice").due
    assert due is not None
    assert due.name == "answer_due"
    assert re.search(r"Please answer by \w+day \d+ \w+ \d{4}, \d\d:\d\d \(Berlin time\)", text)
    assert "wait until it is in stock again" in text
    assert text.count('type="radio"') == 4
    assert len(re.findall(r"<label for=", text)) >= 5
    assert "<script" not in text


def test_the_page_speaks_the_language_of_the_case(office: Office) -> None:
    answer = asked(office, "SO-2", locale="de-AT", **SHORT).open()
    assert '<html lang="de">' in answer.text
    assert "Was sollen wir tun?" in answer.text
    assert re.search(
        r"Bitte antworten Sie bis \w+tag, \d+\. \w+ \d{4}, \d\d:\d\d Uhr \(Ortszeit Berlin\)", answer.text
    )


def test_an_answer_lets_the_case_go_on_and_stands_in_the_journal(office: Office) -> None:
    browser = asked(office, "SO-3", **FEE)
    answer = browser.fill_in(choice="cancel")
    assert (answer.status_code, "Thank you" in answer.text) == (200, True)
    eventually(lambda: office.state("SO-3") == "cancelled")
    (entry,) = [e for e, _ in office.store.journal("order/SO-3") if e.event == "order.choice"]
    assert entry.source == SOURCE


def test_answered_twice_says_that_it_is_answered(office: Office) -> None:
    browser = asked(office, "SO-4", **FEE)
    browser.fill_in(choice="cancel")
    for again in (browser.open(), browser.fill_in(choice="accept")):
        assert again.status_code == 200
        assert "This question is answered" in again.text
    assert len([e for e, _ in office.store.journal("order/SO-4") if e.event == "order.choice"]) == 1


def test_what_the_case_does_not_take_is_said_and_can_be_chosen_anew(office: Office) -> None:
    browser = asked(office, "SO-5", **FEE)
    for _ in range(2):
        refused = browser.fill_in(choice="wait")
        assert refused.status_code == 409
        assert "it is not among what we can offer" in refused.text
        assert 'value="wait" required checked' in refused.text
    assert office.state("SO-5") == "awaiting_choice"
    assert "Thank you" in browser.fill_in(choice="accept").text


def test_a_refusal_is_given_in_the_language_of_the_case(office: Office) -> None:
    browser = asked(office, "SO-15", locale="de", **FEE)
    refused = browser.fill_in(choice="wait")
    assert "nicht möglich: sie gehört nicht zu dem, was wir anbieten können." in refused.text
    assert "among" not in refused.text


def test_a_reason_without_words_in_that_language_is_left_out() -> None:
    assert wording("de").refused("the moon is full") == wording("de").page["refused_plainly"]
    assert "the moon is full" in wording("en").refused("the moon is full")


def test_facts_are_told_in_the_language_of_the_case() -> None:
    assert ("sold out" in str(wording("en").facts(ChoiceMade, {"reason": "sold out"}))) is True
    assert "ausverkauft" in str(wording("de").facts(ChoiceMade, {"reason": "sold out"}))


def test_what_is_missing_or_wrong_is_marked(office: Office) -> None:
    browser = asked(office, "SO-6", **FEE)
    empty, wrong = browser.fill_in(), browser.fill_in(choice="perhaps")
    for answer, text in ((empty, "Please choose one."), (wrong, "Please check this.")):
        assert answer.status_code == 422
        assert text in answer.text
        assert 'role="alert"' in answer.text
        assert 'aria-describedby="choice-error"' in answer.text
    assert not [e for e, _ in office.store.journal("order/SO-6") if e.event == "order.choice"]
    unknown = browser.fill_in(choice="accept", color="red")
    assert unknown.status_code == 400


def test_a_personal_answer_is_sealed_before_it_is_stored(office: Office) -> None:
    office.place("SO-7", **NOWHERE)
    question = office.asked("SO-7", "awaiting_address")
    browser = Browser(office, office.links.url(question.id))
    assert browser.open().text.count('autocomplete="postal-code"') == 1
    given = {"street": "7 Hidden Lane", "city": "Ulm", "postcode": "89073", "zone": "89", "country": "DE"}
    answer = browser.post({f"ship_to.{name}": value for name, value in given.items()})
    assert "Thank you" in answer.text
    bodies = [body for _, body in office.store.journal("order/SO-7")]
    assert not any(b"Hidden Lane" in body for body in bodies)
    assert any(b"sealed:1:C-9:" in body and b'"zone":"89"' in body for body in bodies)


def test_what_was_typed_comes_back_as_text_and_not_as_html(office: Office) -> None:
    browser = asked(office, "SO-8", **FEE)
    answer = browser.fill_in(choice="", sku='"><script>alert(1)</script>')
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_a_question_that_the_case_left_behind_says_so_kindly(office: Office) -> None:
    browser = asked(office, "SO-9", **FEE)
    office.send("order.cancel", "SO-9", {"customer": "C-9"})
    eventually(lambda: office.state("SO-9") == "cancelled")
    for answer in (browser.open(), browser.fill_in(choice="accept")):
        assert answer.status_code == 410
        assert "This question is settled" in answer.text


def test_a_deadline_that_passed_says_so_kindly() -> None:
    with open_office() as office:
        browser = asked(office, "SO-10", locale="de", **FEE)
        office.clock.ahead = timedelta(hours=80)
        eventually(lambda: office.state("SO-10") == "expired")
        answer = browser.open()
    assert answer.status_code == 410
    assert "ging ohne sie weiter" in answer.text


def test_a_link_works_while_its_question_is_open_and_then_tells_of_it_until_it_expires(
    office: Office,
) -> None:
    browser = asked(office, "SO-11", **FEE)
    later = replace(office.page, clock=Clock(timedelta(days=33)))
    browser.app = create_app(office.intake, store=office.store, explain=lambda _: [], page=later)
    assert browser.open().text.count('type="radio"') == 4
    assert "Thank you" in browser.fill_in(choice="accept").text
    for answer in (browser.open(), browser.fill_in(choice="accept")):
        assert answer.status_code == 410
        assert "This link is too old" in answer.text


def test_a_scanner_that_asks_for_the_head_alone_uses_nothing_up(office: Office) -> None:
    browser = asked(office, "SO-19", **FEE)
    head = browser.open("HEAD")
    assert (head.status_code, head.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "Thank you" in browser.fill_in(choice="accept").text


def test_a_long_answer_is_taken_and_one_that_is_too_long_comes_back(office: Office) -> None:
    complaint = {**ComplaintReceived.examples[1], "complaint": "CP-1"}
    office.send("complaint.received", "CP-1", complaint)
    for state, form, said in (
        ("acknowledging", "taken", {"owner": "a.field"}),
        ("assessing", "assessed", {"severity": "S3", "nature": "service"}),
        ("investigating", "information_needed", {"question": "What happened?"}),
    ):
        office.asked("CP-1", state)
        office.send(f"complaint.{form}", "CP-1", said)
    question = office.asked("CP-1", "awaiting_customer")
    browser = Browser(office, office.links.url(question.id))
    assert '<textarea id="words" name="words" rows="8" maxlength="10000"' in browser.open().text
    words = "語" * 10_001
    for answer in (browser.fill_in(words=words), browser.fill_in(words=words * 2)):
        assert answer.status_code == 422
        assert "Please shorten this to 10000 characters." in answer.text
        assert words in answer.text
    far = browser.fill_in(words=words * 4)
    assert (far.status_code, "go back in your browser" in far.text) == (413, True)
    assert "Thank you" in browser.fill_in(words="first line\r\n" + "語" * 9_000).text


@pytest.mark.parametrize("token", ["x", "a" * 700, "%C3%A4", "AAAA"])
def test_what_is_no_link_of_ours_opens_nothing(office: Office, token: str) -> None:
    browser = Browser(office, f"{BASE}/answer/{token}")
    for answer in (browser.open(), browser.fill_in(choice="accept")):
        assert answer.status_code == 404
        assert "We cannot open this link" in answer.text


def test_a_link_to_a_question_for_staff_opens_no_form(office: Office) -> None:
    office.place("SO-12", **STOLEN)
    browser = Browser(office, office.links.url(office.asked("SO-12", "in_review").id))
    for answer in (browser.open(), browser.fill_in(accept="true", reason="me")):
        assert "<form" not in answer.text
    assert office.state("SO-12") == "in_review"


def test_another_site_cannot_answer(office: Office) -> None:
    browser = asked(office, "SO-13", **FEE)
    answer = browser.post({"choice": "cancel"}, **{"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert browser.post({"choice": "cancel"}, **{"content-type": "text/plain"}).status_code == 400
    assert office.state("SO-13") == "awaiting_choice"


def test_the_page_is_kept_out_of_indexes_caches_and_referrers(office: Office) -> None:
    headers = asked(office, "SO-14", **FEE).open().headers
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-robots-tag"] == "noindex, nofollow"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "set-cookie" not in headers


def test_many_tries_on_one_link_are_slowed_down(office: Office) -> None:
    browser, other = asked(office, "SO-15", **FEE), asked(office, "SO-16", **FEE)
    answers = [browser.open().status_code for _ in range(40)]
    assert answers[:30] == [200] * 30
    assert 429 in answers[30:]
    assert other.open().status_code == 200


def test_tries_are_counted_by_question_however_the_link_is_spelled(office: Office) -> None:
    browser = asked(office, "SO-20", **FEE)
    token = office.links.token(office.asked("SO-20", "awaiting_choice").id)
    for junk in ("!", "=", "%0A", "é", "!!!!"):
        assert Browser(office, f"{BASE}/answer/{token[:10]}{junk}{token[10:]}").open().status_code == 404
    yesterday = Links(KEY, base=BASE, days=29, clock=office.clock)
    again = Browser(office, yesterday.url(office.asked("SO-20", "awaiting_choice").id))
    again.app = browser.app
    answers = [each.open().status_code for _ in range(20) for each in (browser, again)]
    assert answers[:30] == [200] * 30
    assert 429 in answers[30:]


def test_a_store_that_is_away_is_told_kindly(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = asked(office, "SO-17", **FEE)

    def away(id: str) -> None:
        raise StoreUnavailable("locked")

    monkeypatch.setattr(office.questions, "find", away)
    answer = browser.open()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert "try again in a minute" in answer.text


def test_an_answer_while_no_worker_runs_is_kept_for_the_next() -> None:
    with open_office(driving=False) as office:
        driver = office.driver()
        driver.start()
        browser = asked(office, "SO-18", **FEE)
        driver.stop()
        office.page = replace(office.page, patience=0.1)
        browser = Browser(office, office.links.url(office.asked("SO-18", "awaiting_choice").id))
        for answer in (browser.fill_in(choice="cancel"), browser.fill_in(choice="cancel")):
            assert answer.status_code == 202
            assert "will go on with it shortly" in answer.text
        again = office.driver(worker="w-2")
        again.start()
        eventually(lambda: office.state("SO-18") == "cancelled")
        again.stop()
        assert "This question is answered" in browser.open().text
        events = [entry.event for entry, _ in office.store.journal("order/SO-18")]
        assert events.count("order.choice") == 1


def test_many_customers_who_wait_for_a_worker_hold_nobody_else_up() -> None:
    with open_office(driving=False) as office:
        driver = office.driver()
        driver.start()
        keys = [f"SO-{number}" for number in range(45)]
        for key in keys:
            office.place(key, **FEE)
        paths = [office.links.url(office.asked(key, "awaiting_choice").id).removeprefix(BASE) for key in keys]
        driver.stop()
        page = replace(office.page, patience=2.0)
        app = create_app(office.intake, store=office.store, explain=lambda _: [], page=page)
        form = {"content-type": "application/x-www-form-urlencoded"}

        async def rush() -> tuple[set[int], float]:
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
                answers = [
                    asyncio.create_task(client.post(path, content=b"choice=cancel", headers=form))
                    for path in paths[1:]
                ]
                await asyncio.sleep(0.5)
                begun = time.monotonic()
                for path in ("/health", paths[0]):
                    assert (await client.get(path)).status_code == 200
                took = time.monotonic() - begun
                return {answer.status_code for answer in await asyncio.gather(*answers)}, took

        codes, took = asyncio.run(rush())
        assert codes == {202}
        assert took < 1.0


def test_the_link_in_the_first_message_is_good_after_the_reminder() -> None:
    with open_office() as office:
        office.place("SO-30")
        eventually(lambda: office.state("SO-30") == "awaiting_dispatch")
        office.send("shipment.dispatched", "SO-30-1", {"tracking": "TR1"})
        office.send("shipment.delivered", "SO-30-1", {})
        eventually(lambda: office.store.find_case(key="order-SO-30", sop="survey"))
        office.clock.ahead = timedelta(hours=25)
        first = office.asked("order-SO-30", "sent")
        office.clock.ahead = timedelta(days=5)
        assert office.asked("order-SO-30", "reminded").form is first.form
        browser = Browser(office, office.links.url(first.id))
        answer = browser.open()
        assert answer.text.count('type="radio"') == 5
        assert "Your opinion, please" in answer.text
        thanks = browser.fill_in(score="5")
        assert "We deserve: <strong>5 stars, very satisfied</strong>" in thanks.text
        assert "answered" in browser.open().text


def test_an_account_is_asked_for_only_where_money_goes_to_one() -> None:
    words, form = wording("en"), OfferAnswered
    for remedy, asked_for in (("partial refund", ["accept"]), ("goodwill payment", ["accept", "account"])):
        shown = words.asked(form, told={"remedy": remedy}, said={}, errors={})
        assert [field.name for field in shown] == asked_for


def test_sums_that_do_not_matter_to_the_question_are_left_out() -> None:
    told = {"offered": "60.00 EUR", "accepted": "0.00 EUR", "refund": "100.00 EUR"}
    assert wording("en").facts(ReturnOfferAnswered, told) == [("We offer you", "60.00 EUR")]


def test_a_link_is_good_after_a_migration_that_names_the_question_anew(tmp_path: Path) -> None:
    with open_office(tmp_path) as office:
        office.place("SO-31")
        eventually(lambda: office.state("SO-31") == "awaiting_dispatch")
        office.send("shipment.dispatched", "SO-31-1", {"tracking": "TR1"})
        office.send("shipment.delivered", "SO-31-1", {})
        eventually(lambda: office.store.find_case(key="order-SO-31", sop="survey"))
        office.clock.ahead = timedelta(hours=25)
        first = office.asked("order-SO-31", "sent")
        office.clock.ahead = timedelta(days=5)
        second = office.asked("order-SO-31", "reminded")
        survey = renamed(office.definitions["survey"], {"sent": "invited", "reminded": "chased"})
        built = {**office.definitions, "survey": survey}
    with open_office(tmp_path, built=built) as office:
        office.clock.ahead = timedelta(days=5)
        early = Browser(office, office.links.url(second.id)).open()
        assert (early.status_code, early.headers["retry-after"]) == (503, "60"), "it is not migrated yet"
        migrator = Migrator(office.store, survey, clock=office.clock, who="Ann", reason="clearer names")
        (moved,) = migrator.run(dry=False)
        assert moved.case.state == "chased"
        now = office.asked("order-SO-31", "chased")
        assert office.questions.told(now) == office.questions.told(second) != {}
        for question in (first, second):
            answer = Browser(office, office.links.url(question.id)).open()
            assert answer.status_code == 200
            assert answer.text.count('type="radio"') == 5
        thanks = Browser(office, office.links.url(second.id)).fill_in(score="5")
        assert "We deserve: <strong>5 stars, very satisfied</strong>" in thanks.text
        for question in (first, second, now):
            assert "This question is answered" in Browser(office, office.links.url(question.id)).open().text

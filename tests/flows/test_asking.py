"""Questions for staff stand in a real Prefect server, are answered there, and end when settled otherwise."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from threading import Event, Thread
from typing import Any, ClassVar, cast
from uuid import uuid4

import pytest

from adapters.asking.answers import Answer, Became
from adapters.asking.questions import Question
from adapters.errors import StoreUnavailable
from deployments.registration import register
from deployments.worker import run_worker
from flows import asking, desk
from flows.ask_api import AskApi
from flows.asking import Asking
from flows.oncall import OnCall
from flows.owner import Owner
from flows.prefect_api import RunLine
from flows.running import Running
from flows.watching import Watching
from flows.wording import Badge
from tests.asking import STOLEN, Heard, Office, open_office
from tests.conftest_prefect import Json, Prefect, Relay, eventually, free_port

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def garbage() -> Iterator[None]:
    """Collect what Prefect's clients leave behind while the tests that know of it run."""
    yield
    gc.collect()


class Listening(Heard):
    """Passes what it hears on to those who show questions."""

    def __init__(self) -> None:
        super().__init__()
        self.showing: list[Asking] = []

    def asked(self, cases: object) -> None:
        for each in self.showing:
            each.asked(cast("list[str]", cases))


@pytest.fixture(scope="module")
def registered(prefect: Prefect) -> Prefect:
    asyncio.run(register())
    return prefect


@pytest.fixture(scope="module")
def listening() -> Listening:
    return Listening()


@pytest.fixture(scope="module")
def office(listening: Listening) -> Iterator[Office]:
    with open_office(driving=False) as opened:
        driver = opened.driver(listener=listening)
        driver.start()
        yield opened
        driver.stop()


def new_key() -> str:
    return f"SO-{uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def house() -> str:
    return uuid4().hex[:12]


OWNER = Owner(worker="test", installation="test")


@contextmanager
def showing(office: Office, listening: Listening, *, house: str, **options: Any) -> Iterator[Asking]:
    with Asking(
        office.questions,
        house=house,
        runs_per_second=100,
        **options,
    ) as started:
        listening.showing.append(started)
        yield started
        listening.showing.remove(started)


@contextmanager
def working(office: Office, at: desk.Desk | None = None) -> Iterator[None]:
    """A worker on a thread of its own, with this office's desk, or ``at`` another."""
    ready, stop = Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []
    watching = Watching(office.store, owner=OWNER, flows=())
    idle = office.driver(worker="idle")

    @asynccontextmanager
    async def opened() -> AsyncIterator[Running]:
        yield Running(
            store=office.store,
            driver=idle,
            watching=watching,
            submit=lambda _: {},
            resend=office.resend,
            owner=OWNER,
            on_call=OnCall(office.store, {}, clock=office.clock),
        )

    async def work() -> None:
        loops.append(asyncio.get_running_loop())
        ready.set()
        with desk.install(at or desk.Desk(office.questions, office.answers)):
            await run_worker(name=f"t {uuid4().hex[:6]}", register=register, opening=opened, stop=stop)

    thread = Thread(target=contextvars.copy_context().run, args=(asyncio.run, work()))
    thread.start()
    ready.wait(10)
    try:
        yield
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(30)
        assert not thread.is_alive()
        gc.collect()


@pytest.fixture(scope="module")
def shown(registered: Prefect, office: Office, listening: Listening, house: str) -> Iterator[Prefect]:
    with ExitStack() as stack:
        stack.enter_context(working(office))
        stack.enter_context(showing(office, listening, house=house))
        yield registered


def run_of(prefect: Prefect, key: str, *, kind: str = "PAUSED", house: str = "") -> Json:
    """The run of a question in that kind of state, of one installation if that matters."""
    name = f"{key}: In review"

    def find() -> Json | None:
        runs = [run for run in prefect.runs(any_=[name]) if run["state_type"] == kind]
        return next((run for run in runs if house in ("", house_of(run))), None)

    return eventually(find)


def house_of(run: Json) -> object:
    return cast("Json", run["labels"])["sop.questions-of"]


def resume(prefect: Prefect, run: Json, values: Json) -> Mapping[str, object]:
    """The Resume button, with its form filled in."""
    said = {"run_input": {"answered_by": "A. Tester", **values}}
    return cast("Mapping[str, object]", prefect.post(f"/flow_runs/{run['id']}/resume", said))


def message(run: Json) -> str:
    return str(cast("Mapping[str, object]", run["state"])["message"])


def inputs(prefect: Prefect, run: Json, prefix: str = "form-") -> dict[str, str]:
    body = {"prefix": prefix, "limit": 10}
    found = cast("list[Json]", prefect.post(f"/flow_runs/{run['id']}/input/filter", body))
    return {str(each["key"]): str(each["value"]) for each in found}


def typed(prefect: Prefect, run: Json) -> dict[str, str]:
    """What may hold what somebody typed."""
    return {key: value for key, value in inputs(prefect, run).items() if key != "form-description"}


def assert_nothing_typed(prefect: Prefect, run: Json) -> None:
    eventually(lambda: set(inputs(prefect, run)) <= {"form-blank", "form-description"})
    assert '"default"' not in str(typed(prefect, run))


def refuse(prefect: Prefect, office: Office, key: str, *, house: str = "") -> Json:
    """The run of a question once an answer was refused, so that it stands in the form."""
    office.place(key, **STOLEN)
    run = run_of(prefect, key, house=house)
    resume(prefect, run, {"accept": "yes", "reason": "sealed:1:C-1:smuggled"})
    again = eventually(
        lambda: (found := run_of(prefect, key, house=house)) and "not taken" in message(found) and found,
        seconds=25,
    )
    assert "smuggled" in str(typed(prefect, run))
    assert inputs(prefect, run, prefix="form-answer") == {}
    return again


def test_a_question_stands_suspended_with_role_deadline_form_and_what_is_known(
    shown: Prefect, office: Office
) -> None:
    key = new_key()
    office.place(key, **STOLEN)
    run = run_of(shown, key)
    assert run["state_name"] == "Suspended"
    assert set(cast("list[str]", run["tags"])) == {
        "sop:order",
        f"case:{key}",
        "state:in_review",
        "role:order desk",
        "attention:asked",
        "question",
    }
    assert message(run).startswith("asks order desk, until ")
    assert "the next in line is called" in message(run)
    given = inputs(shown, run)
    assert '"accept": {"title": "Accept", "type": "string", "enum": ["yes", "no"]' in given["form-blank"]
    assert '"required": ["accept", "reason", "answered_by"]' in given["form-blank"]
    assert "A colleague looks at a suspicious order." in given["form-description"]
    assert "stolen means of payment" in given["form-description"]
    (text,) = eventually(lambda: shown.log(run["id"]))
    assert "lines: sku KETTLE, quantity 1, price 30.00 EUR" in text
    assert "Press Resume" in text
    for secret in ("Ada", "ada@customer", "Sample Street", "sealed", "tok\\_", "tok_"):
        assert secret not in text + str(given)


def test_an_answer_in_the_ui_is_the_same_event_and_ends_the_run(shown: Prefect, office: Office) -> None:
    key = new_key()
    office.place(key, **STOLEN)
    run = run_of(shown, key)
    answer = resume(shown, run, {"accept": "no", "reason": "stolen card", "answered_by": "J. Berg"})
    assert answer["status"] == "ACCEPT"
    ended = run_of(shown, key, kind="COMPLETED")
    assert ended["state_name"] == "Rejected"
    assert message(ended) == "accept: no; answered by J. Berg in the Prefect UI"
    assert office.state(key) == "rejected"
    (entry,) = [e for e, _ in office.store.journal(f"order/{key}") if e.event == "order.reviewed"]
    assert entry.source == "prefect-ui:J.Berg"
    assert_nothing_typed(shown, run)


def test_a_form_that_is_not_filled_in_is_refused_at_once(shown: Prefect, office: Office) -> None:
    key = new_key()
    office.place(key, **STOLEN)
    run = run_of(shown, key)
    answer = resume(shown, run, {"accept": "yes"})
    assert answer["status"] == "REJECT"
    assert "'reason' is a required property" in str(answer["details"])
    assert run_of(shown, key)["id"] == run["id"]


def test_an_answer_that_the_intake_refuses_is_told_and_the_question_stays(
    shown: Prefect, office: Office
) -> None:
    key = new_key()
    run = refuse(shown, office, key)
    assert "data" not in message(run).partition(":")[0]
    assert "reserved" in message(run)
    assert "reserved" in inputs(shown, run)["form-description"]
    eventually(lambda: any("Your answer was not taken" in line for line in shown.log(run["id"])))
    resume(shown, run, {"accept": "yes", "reason": "known customer"})
    run_of(shown, key, kind="COMPLETED")
    eventually(lambda: office.state(key) == "awaiting_dispatch")
    assert_nothing_typed(shown, run)


def test_a_form_in_which_an_answer_stands_goes_when_the_case_moves_on(shown: Prefect, office: Office) -> None:
    key = new_key()
    run = refuse(shown, office, key)
    office.send("order.reviewed", key, {"accept": False, "reason": "no"}, source="back-office")
    run_of(shown, key, kind="CANCELLED")
    assert_nothing_typed(shown, run)


def test_a_case_that_moves_on_cancels_the_run_and_says_why(shown: Prefect, office: Office) -> None:
    key = new_key()
    office.place(key, **STOLEN)
    run = run_of(shown, key)
    office.send("order.reviewed", key, {"accept": False, "reason": "no"}, source="back-office")
    ended = run_of(shown, key, kind="CANCELLED")
    assert ended["id"] == run["id"]
    assert message(ended).startswith("order.reviewed from back-office came first, at ")
    assert resume(shown, run, {"accept": "yes", "reason": "yes"})["status"] == "ABORT"


def test_the_second_of_two_answers_is_told_what_came_first(
    shown: Prefect, office: Office, listening: Listening
) -> None:
    key, heard = new_key(), listening.showing[:]
    office.place(key, **STOLEN)
    run = run_of(shown, key)
    listening.showing.clear()  # nobody ends the run before the second answer is given
    office.send("order.reviewed", key, {"accept": False, "reason": "no"}, source="back-office")
    eventually(lambda: office.state(key) == "rejected")
    assert resume(shown, run, {"accept": "yes", "reason": "yes"})["status"] == "ACCEPT"
    ended = run_of(shown, key, kind="CANCELLED")
    listening.showing.extend(heard)
    assert message(ended).startswith("Your answer was not taken: order.reviewed from back-office came first")
    assert_nothing_typed(shown, run)
    assert office.state(key) == "rejected"


def test_whoever_is_called_next_finds_the_question_by_role(registered: Prefect, listening: Listening) -> None:
    with open_office(driving=False) as own:
        driver = own.driver(listener=listening)
        driver.start()
        house, key = uuid4().hex, new_key()
        with showing(own, listening, house=house), working(own):
            run = refuse(registered, own, key, house=house)
            own.clock.ahead = timedelta(days=6)
            eventually(
                lambda: "role:order desk" not in cast("list[str]", registered.run(str(run["id"]))["tags"])
            )
            assert run_of(registered, key, house=house)["id"] == run["id"]
            assert_nothing_typed(registered, run)
        driver.stop()


def test_an_answer_given_while_somebody_else_is_called_is_taken(
    registered: Prefect, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_office(driving=False) as own:
        driver = own.driver(listener=listening)
        driver.start()
        house, key = uuid4().hex, new_key()
        own.place(key, **STOLEN)
        answers: list[Json] = []

        class Meanwhile(AskApi):
            async def suspend(self, run: str, *, new: bool = False, **rest: Any) -> None:
                if not (new or answers):
                    answers.append({"accept": "no", "reason": "a stolen card"})
                    await asyncio.to_thread(resume, registered, {"id": run}, answers[0])
                await super().suspend(run, new=new, **rest)

        monkeypatch.setattr(asking, "AskApi", Meanwhile)
        with showing(own, listening, house=house), working(own):
            run_of(registered, key, house=house)
            own.clock.ahead = timedelta(days=6)
            eventually(lambda: own.state(key) == "rejected", seconds=25)
        assert answers
        driver.stop()


def test_an_answer_given_while_the_store_is_away_is_taken_when_it_is_back(
    registered: Prefect, listening: Listening
) -> None:
    with open_office(driving=False) as own:
        driver = own.driver(listener=listening)
        driver.start()
        house, key, away = uuid4().hex, new_key(), Event()

        class Away(desk.Desk):
            async def answer(self, *given: Any, **rest: Any) -> Answer:
                if away.is_set():
                    raise StoreUnavailable("the disk is full")
                return await super().answer(*given, **rest)

            async def find(self, question: str) -> Question | None:
                if away.is_set():
                    raise StoreUnavailable("the disk is full")
                return await super().find(question)

        with showing(own, listening, house=house) as started, working(own, Away(own.questions, own.answers)):
            own.place(key, **STOLEN)
            run = run_of(registered, key, house=house)
            away.set()
            resume(registered, run, {"accept": "no", "reason": "a stolen card"})
            run_of(registered, key, kind="FAILED", house=house)
            away.clear()
            started.asked([f"order/{key}"])
            eventually(lambda: own.state(key) == "rejected", seconds=25)
        driver.stop()


def test_the_same_answer_in_a_group_twice_is_taken_once(office: Office) -> None:
    key, way = new_key(), desk.Desk(office.questions, office.answers)
    office.place(key, **STOLEN)
    office.asked(key, "in_review")
    for _ in range(2):
        given = way.answer_in("order/in_review", key, {"accept": "no", "reason": "no"}, who="A", id=key)
        answer = asyncio.run(given)
        assert (answer.became, answer.title) == (Became.TAKEN, "Rejected")


def test_several_workers_show_one_run(registered: Prefect, office: Office, listening: Listening) -> None:
    house, key = uuid4().hex, new_key()
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(showing(office, listening, house=house))
        office.place(key, **STOLEN)
        run_of(registered, key, house=house)
        time.sleep(1)
        runs = registered.runs(any_=[f"{key}: In review"])
        assert len([run for run in runs if house_of(run) == house]) == 1


def test_what_happened_while_prefect_was_down_is_shown_when_it_is_back(
    registered: Prefect, office: Office, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_AGAIN_SECONDS", 0.3)
    port, house = free_port(), uuid4().hex
    settled, open_ = new_key(), new_key()
    api_url = f"http://127.0.0.1:{port}/api"

    def mine(key: str) -> Callable[[], Json | None]:
        def find() -> Json | None:
            runs = registered.runs(any_=[f"{key}: In review"])
            return next((run for run in runs if house_of(run) == house), None)

        return find

    with showing(office, listening, house=house, api_url=api_url):
        with Relay(port, to=registered.server.port):
            office.place(settled, **STOLEN)
            run = eventually(mine(settled))
            eventually(lambda: registered.run(str(run["id"]))["state_type"] == "PAUSED")
        office.send("order.reviewed", settled, {"accept": False, "reason": "no"})
        office.place(open_, **STOLEN)
        office.asked(open_, "in_review")
        assert mine(open_)() is None
        with Relay(port, to=registered.server.port):
            eventually(mine(open_))
            eventually(lambda: registered.run(str(run["id"]))["state_type"] == "CANCELLED")


def test_a_run_that_staff_cancelled_asks_again(
    registered: Prefect, office: Office, listening: Listening
) -> None:
    house, key = uuid4().hex, new_key()
    with showing(office, listening, house=house) as started:
        office.place(key, **STOLEN)
        run = run_of(registered, key, house=house)
        state = {"type": "CANCELLED", "name": "Cancelled", "message": "by mistake"}
        registered.post(f"/flow_runs/{run['id']}/set_state", {"state": state, "force": True})
        started.asked([f"order/{key}"])
        assert run_of(registered, key, house=house)["id"] == run["id"]


def test_beyond_the_budget_questions_share_a_run_with_a_table(
    registered: Prefect, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_AGAIN_SECONDS", 0.3)
    monkeypatch.setattr(asking, "_GROUP_SECONDS", 0.5)
    house = uuid4().hex
    keys = [new_key() for _ in range(5)]

    def group() -> Json | None:
        runs = registered.runs(like_="order: In review x")
        found = [run for run in runs if house_of(run) == house]
        return next((run for run in found if run["state_type"] == "PAUSED"), None)

    with open_office(driving=False) as own:
        driver = own.driver(listener=listening)
        driver.start()
        with showing(own, listening, house=house, most_runs=2), working(own):
            for key in keys:
                own.place(key, **STOLEN)
            run = eventually(lambda: (r := group()) and r["name"] == "order: In review x 3" and r)
            (artifact,) = [a for a in registered.artifacts(run["id"]) if a["type"] == "table"][-1:]
            grouped = [key for key in keys if key in str(artifact["data"])]
            assert len(grouped) == 3
            wrong = {"case": "SO-0", "accept": "no", "reason": "no"}
            resume(registered, run, wrong)
            told = eventually(lambda: (r := group()) and "SO-0" in message(r) and r)
            resume(registered, told, {**wrong, "case": grouped[0]})
            eventually(lambda: own.state(grouped[0]) == "rejected")
            less = eventually(lambda: (r := group()) and r["name"] == "order: In review x 2" and r)
            assert message(less).startswith("2 cases ask")
            resume(registered, less, {**wrong, "reason": "a stolen card"})
            eventually(lambda: (r := group()) and "a stolen card" in str(typed(registered, r)))
            for key in keys:
                if key != grouped[0]:
                    own.send("order.reviewed", key, {"accept": False, "reason": "no"})
            eventually(lambda: registered.run(str(run["id"]))["state_type"] == "COMPLETED")
            assert_nothing_typed(registered, run)
        driver.stop()


def test_an_answer_given_as_a_group_ends_is_taken(
    registered: Prefect, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_AGAIN_SECONDS", 0.3)
    monkeypatch.setattr(asking, "_GROUP_SECONDS", 0.5)
    house, keys, answered = uuid4().hex, [new_key() for _ in range(3)], list[str]()

    class Meanwhile(AskApi):
        async def set_state(self, run: str, state: Badge) -> None:
            if state.kind == "COMPLETED" and not answered:
                answered.append(grouped)
                said: Json = {"case": grouped, "accept": "no", "reason": "a stolen card"}
                await asyncio.to_thread(resume, registered, {"id": run}, said)
            await super().set_state(run, state)

    monkeypatch.setattr(asking, "AskApi", Meanwhile)
    with open_office(driving=False) as own:
        driver = own.driver(listener=listening)
        driver.start()
        with showing(own, listening, house=house, most_runs=2), working(own):
            for key in keys:
                own.place(key, **STOLEN)

            def single() -> list[str]:
                runs = registered.runs(any_=[f"{key}: In review" for key in keys])
                return [str(run["name"]).partition(":")[0] for run in runs if run["state_type"] == "PAUSED"]

            eventually(lambda: len(single()) == 2)
            (grouped,) = set(keys) - set(single())
            eventually(lambda: registered.runs(any_=["order: In review x 1"]))
            own.send("order.reviewed", single()[0], {"accept": False, "reason": "no"})
            eventually(lambda: own.state(grouped) == "rejected", seconds=40)
        assert answered == [grouped]
        driver.stop()


class Counting(AskApi):
    """Notes what is asked of Prefect."""

    def __init__(self, api_url: str | None = None) -> None:
        super().__init__(api_url)
        self.started.append(self)
        self.calls: list[str] = []

    started: ClassVar[list[Counting]] = []

    async def _call(self, method: Any, route: Any, body: object = None, **path: str) -> Any:
        self.calls.append(f"{method} {route}")
        return await super()._call(method, route, body, **path)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    monkeypatch.setattr(asking, "AskApi", Counting)
    monkeypatch.setattr(Counting, "started", [])
    return lambda call: sum(api.calls.count(call) for api in Counting.started)


def test_questions_put_together_are_logged_together(
    registered: Prefect, listening: Listening, counted: Callable[[str], int]
) -> None:
    house, keys = uuid4().hex, [new_key() for _ in range(4)]
    with open_office() as own:
        for key in keys:
            own.place(key, **STOLEN)
        for key in keys:
            own.asked(key, "in_review")
        with showing(own, listening, house=house):
            for key in keys:
                (text,) = registered.log(run_of(registered, key, house=house)["id"])
                assert "A colleague looks at a suspicious order." in text
    assert counted("POST /logs/") == 1


def test_cases_told_of_in_a_rush_are_looked_at_together(
    registered: Prefect, listening: Listening, counted: Callable[[str], int]
) -> None:
    with open_office(driving=False) as own, showing(own, listening, house=uuid4().hex) as started:
        eventually(lambda: counted("POST /flow_runs/filter") == 1)
        for _ in range(20):
            started.asked([f"order/{new_key()}"])
            time.sleep(0.1)
        assert 2 <= counted("POST /flow_runs/filter") <= 4


def test_a_run_whose_worker_was_killed_before_it_stood_is_mended_with_its_log(
    registered: Prefect, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, key = uuid4().hex, new_key()

    async def prepare(question: str) -> None:
        async with AskApi() as api:
            once = f"ask {house} {question}"
            await api.prepare(question, once=once, name=f"{key}: In review", tags=[], house=house)

    monkeypatch.setattr(asking, "_LOST", timedelta(0))
    with open_office() as own:
        own.place(key, **STOLEN)
        asyncio.run(prepare(own.asked(key, "in_review").id))
        with showing(own, listening, house=house):
            run = run_of(registered, key, house=house)
            assert "A colleague looks at a suspicious order." in registered.log(run["id"])[0]


def test_a_question_answered_while_those_before_it_are_put_is_not_put(
    registered: Prefect, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, keys, last = uuid4().hex, [new_key() for _ in range(3)], list[str]()
    with open_office() as own:

        class Overtaken(AskApi):
            async def add_lines(self, lines: Sequence[RunLine]) -> None:
                await super().add_lines(lines)
                if last or not lines:
                    return
                last.append(lines[-1].run)
                key = str((await asyncio.to_thread(registered.run, last[0]))["name"]).partition(":")[0]
                own.send("order.reviewed", key, {"accept": False, "reason": "no"}, source="back-office")
                await asyncio.to_thread(eventually, lambda: own.state(key) == "rejected")

        monkeypatch.setattr(asking, "AskApi", Overtaken)
        for key in keys:
            own.place(key, **STOLEN)
        for key in keys:
            own.asked(key, "in_review")
        with showing(own, listening, house=house):
            eventually(lambda: bool(last))
            ended = eventually(lambda: (r := registered.run(last[0]))["state_type"] == "CANCELLED" and r)
            assert message(ended).startswith("order.reviewed from back-office came first")
            assert inputs(registered, ended) == {}

"""What the check leaves out makes no difference: drawn procedures with the reductions and without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from time import perf_counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from machines.check import Finding, Kind, check
from machines.kernel.command import CommandType
from machines.kernel.duration import hours
from machines.kernel.event import Event, Facts, Outcome
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Rule, Send, defer, ignore, on, refuse
from machines.kernel.state import Deadline, End, State, Wait
from machines.kernel.verdict import Verdict, allow_if


class Job(Facts):
    count: int = 0
    mark: str | None = None


class Opened(Event, type="job.opened", opens=True):
    examples = ({},)


class Told(Event, type="job.told"):
    pass


class PartOpened(Event, type="part.opened", opens=True):
    pass


class PartTold(Event, type="part.told"):
    pass


class PartMade(Event, type="part.made"):
    pass


class PartLost(Event, type="part.lost"):
    pass


class Found(Outcome, type="ask.found"):
    pass


class Missing(Outcome, type="ask.missing"):
    pass


class Taken(Outcome, type="pay.taken"):
    def postings(self) -> Mapping[str, int]:
        return {"taken": 1}


class Returned(Outcome, type="pay.returned"):
    def postings(self) -> Mapping[str, int]:
        return {"returned": 1}


def about(job: Job, _: Event) -> Iterator[Facts]:
    yield Job(count=job.count)


ASK = CommandType("ask", about, (Found, Missing), lambda _: (Found(), Missing()), takes=Job)
TAKE = CommandType("pay.take", about, (Taken,), lambda _: (Taken(),), takes=Job)
RETURN = CommandType("pay.return", about, (Returned,), lambda _: (Returned(),), takes=Job)
LATE = Deadline("late", "nobody answers", after=hours(2))
START = Wait("start", "", no_deadline="opens at once")
PLACES = tuple(Wait(name, "", deadlines=(LATE,)) for name in ("one", "two"))
DONE, DROPPED = End("done", "", outcome="done"), End("dropped", "", outcome="dropped")
STATES: tuple[State, ...] = (START, *PLACES, DONE, DROPPED)
OPENED = STATES[1:]
REPORTS = (PartMade, PartLost)
HEARD: tuple[type[Event] | Deadline, ...] = (Told, *REPORTS, Found, Missing, Taken, Returned)


def opening(*_: object) -> Job:
    return Job()


def counted(job: Job, *_: object) -> Job:
    return job.model_copy(update={"count": min(1, job.count + 1)})


def marked(job: Job, *_: object) -> Job:
    return job.model_copy(update={"mark": None if job.mark else "x"})


def once(job: Job, *_: object) -> Verdict:
    return allow_if(job.count == 1, "not the first time")


def has_mark(job: Job, *_: object) -> Verdict:
    return allow_if(job.mark is not None, "no mark")


def opens_part(*_: object) -> tuple[Send, ...]:
    return (Send(PartOpened(), ("part", "1")),)


def tells_part(job: Job, _: Event) -> tuple[Send, ...]:
    return (Send(PartTold(), ("part", "1")),) if job.mark else ()


@st.composite
def rules(draw: st.DrawFn) -> tuple[Rule, ...]:
    """One rule, or none, for each state and event; what happens to ended cases is mostly nothing."""
    does = draw(st.sampled_from([(), (ASK,), (TAKE,)]))
    found: list[Rule] = [on(Opened, at=START, to=PLACES[0], then=opening, does=does, sends=opens_part)]
    for state in OPENED:
        for event in (*HEARD, *((LATE,) if state.deadlines else ())):
            what = draw(st.sampled_from(["move", "move", "stay", "ignore", "defer", "refuse", "none"]))
            if state.kind == "end" and what != "none":
                what = "ignore"
            if what in ("move", "stay"):
                to = draw(st.sampled_from(OPENED)) if what == "move" else None
                paying = to is not None and to.kind == "end"  # once, or the sums would grow for ever
                found.append(
                    on(
                        event,
                        at=state,
                        to=to,
                        when=draw(st.sampled_from([None, None, once, has_mark])),
                        then=draw(st.sampled_from([None, counted, marked])),
                        does=draw(st.sampled_from([(), (RETURN,)] if paying else [(), (), (ASK,)])),
                        sends=draw(st.sampled_from([None, None, tells_part])),
                    )
                )
                what = draw(st.sampled_from(["ignore", "none"]))
            if what == "ignore":
                found.append(ignore(event, at=state, because="nothing follows"))
            if what == "defer":
                found.append(defer(event, at=state, because="later"))
            if what == "refuse":
                found.append(refuse(event, at=state, because="no"))
    return (*found, ignore(Opened, at=OPENED, because="twice"))


def procedure(name: str, events: tuple[type[Event], ...], states: tuple[State, ...], *of: Rule) -> Procedure:
    return Procedure(
        name=name,
        title=name,
        version=1,
        purpose="",
        scope="",
        responsible="",
        references=(),
        fulfils=(),
        data=Job,
        events=events,
        states=states,
        rules=of,
        may_happen=lambda _: (Told(),) if name == "job" else (),
        module="machines.kernel",
    )


MAKING = Wait("making", "", deadlines=(LATE,))
MADE = End("made", "", outcome="made", reports=lambda _: PartMade())
LOST = End("lost", "", outcome="lost", reports=lambda _: PartLost())
PART = procedure(
    "part",
    (PartOpened, PartTold),
    (START, MAKING, MADE, LOST),
    on(PartOpened, at=START, to=MAKING, then=opening),
    on(LATE, at=MAKING, to=MADE),
    on(PartTold, at=MAKING, to=LOST),
    ignore(PartTold, at=(MADE, LOST), because="too late"),
    ignore(PartOpened, at=(MAKING, MADE, LOST), because="twice"),
)


def all_goes_back(sums: Mapping[str, int]) -> Iterator[str]:
    if sums.get("taken", 0) != sums.get("returned", 0):
        yield "money was kept"


def findings(job: Procedure, *, reduced: bool) -> set[tuple[Kind, str, str, str]]:
    report = check((job, PART), clock=perf_counter, laws={"job": (all_goes_back,)}, reduced=reduced)
    return {(one.kind, one.sop, one.at, _said(one)) for one in report.findings}


def _said(finding: Finding) -> str:
    return finding.text.partition(" has no rule")[0].partition(" is refused")[0]


@given(rules())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_same_is_found_with_the_reductions_and_without(drawn: tuple[Rule, ...]) -> None:
    job = procedure("job", (Opened, Told, *REPORTS), STATES, *drawn)
    assert findings(job, reduced=True) == findings(job, reduced=False)

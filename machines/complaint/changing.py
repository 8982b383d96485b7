"""Rules for complaints that change hands or course, for service levels, and for all that changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from machines.complaining import ComplaintOpened
from machines.complaint import clocks, deadlines, effects, events, guards, letters, sending, states
from machines.kernel.clock import Clock
from machines.kernel.rule import Rule, defer, ignore, note, on, refuse
from machines.messages import MessageSent, MessageUndeliverable, StaffAlerted

# Whoever looks after it may change, and a specialist may join, wherever the complaint stands.
PEOPLE = (
    on(events.ComplaintAssigned, at=states.OPEN, then=effects.assign, does=(letters.TELL_OWNER,)),
    on(events.EscalationTaken, at=states.OPEN),
    on(
        events.SpecialistCalled,
        at=(*states.OPEN, states.RESOLVED, states.WITH_OMBUDSMAN),
        when=guards.calm_so_far,
        then=effects.call_specialist,
        does=(letters.CALL_MEDIATOR, letters.TELL_SPECIALIST),
    ),
    on(
        events.CustomerWrote,
        at=states.HEARD,
        when=guards.by_its_customer,
        does=(letters.CALL_AGENT,),
    ),
)

# The customer may let go of it, as long as nothing has been promised.
WITHDRAWING = (
    on(
        events.ComplaintWithdrawn,
        at=(*states.TALKING, states.WITH_OMBUDSMAN),
        to=states.WITHDRAWN,
        when=guards.by_its_customer,
        then=effects.end,
        sends=sending.withdraw_tasks,
    ),
    refuse(
        events.ComplaintWithdrawn,
        at=states.GIVING,
        because="what was promised is on its way already",
    ),
    ignore(
        events.ComplaintWithdrawn,
        at=(states.RESOLVED, *states.ENDED),
        because="the complaint is closed already",
    ),
)

# A complaint that was closed can be opened again for some time.
REOPENING = (
    on(
        events.ComplaintReopened,
        at=(states.RESOLVED, *states.UNMERGED),
        to=states.INVESTIGATING,
        when=guards.may_reopen,
        then=effects.reopen,
        does=(letters.TELL_REOPENED, letters.CALL_ABOUT_REOPENING),
        sends=sending.reopen,
    ),
    ignore(
        events.ComplaintReopened,
        at=(*states.OPEN, states.WITH_OMBUDSMAN),
        because="the complaint is open already",
    ),
    refuse(
        events.ComplaintReopened,
        at=states.MERGED,
        because="it was merged; please write about the complaint that it was merged into",
    ),
)

# Who else can decide does so; what it decides is offered like any offer of ours.
OMBUDSMAN = (
    on(
        events.ReferredOutside,
        at=(*states.TALKING, states.RESOLVED, states.CLOSED, states.SILENT, *states.IN_DISPUTE),
        to=states.WITH_OMBUDSMAN,
        when=guards.not_referred_before,
        then=effects.refer,
        sends=sending.withdraw_tasks,
    ),
    on(
        events.OutsideDecision,
        at=states.WITH_OMBUDSMAN,
        to=states.AWAITING_ANSWER,
        when=guards.owes_something,
        then=effects.follow_outside_decision,
        does=(letters.TELL_OUTSIDE_DECISION,),
    ),
    on(
        events.OutsideDecision,
        at=states.WITH_OMBUDSMAN,
        to=states.NOT_UPHELD,
        then=effects.confirmed_outside,
        does=(letters.TELL_OUTSIDE_DECISION,),
    ),
    on(deadlines.OUTSIDE_DUE, at=states.WITH_OMBUDSMAN, does=(letters.CALL_OMBUDSMAN_DESK,)),
    defer(events.ReferredOutside, at=states.GIVING, because="what was promised comes first"),
    ignore(events.ReferredOutside, at=states.OPENED, because="the ombudsman has it, or had it already"),
    ignore(events.OutsideDecision, at=states.OPENED, because="the ombudsman has not been asked"),
)


def _ladder(clock: Clock) -> Iterator[Rule]:
    """Each rung is called when the clock says so, and again until somebody takes it on."""
    for percent in (rung.at for rung in clock.ladder):
        yield on(clock.at(percent), at=(*clock.runs_in, *clock.pauses_in), does=(letters.CALL_BY_CLOCK,))
    yield on(clock.unacknowledged, at=clock.runs_in, does=(letters.CALL_BY_CLOCK,))


SERVICE_LEVELS = (
    on(
        clocks.RESOLUTION.at(150),
        at=(*clocks.RESOLUTION.runs_in, *clocks.RESOLUTION.pauses_in),
        does=(letters.CALL_BY_CLOCK, letters.TELL_RIGHTS),
    ),
    *_ladder(clocks.ACKNOWLEDGEMENT),
    *_ladder(clocks.SAFETY),
    *(rule for rule in _ladder(clocks.RESOLUTION) if rule.event != clocks.RESOLUTION.at(150).type),
    on(clocks.EIGHT_WEEKS.at(80), at=states.OPEN, does=(letters.CALL_ABOUT_EIGHT_WEEKS,)),
    on(
        clocks.EIGHT_WEEKS.at(100),
        at=states.OPEN,
        does=(letters.TELL_HOLDING, letters.CALL_ABOUT_EIGHT_WEEKS),
    ),
)

# Whatever else arrives changes nothing.
OTHERWISE = (
    on(MessageUndeliverable, at=states.OPENED, does=(letters.CALL_ABOUT_ADDRESS,)),
    note(MessageSent, at=states.OPENED, because="the message is on its way"),
    note(StaffAlerted, at=states.OPENED, because="a colleague has been called"),
    ignore(events.ComplaintReceived, at=states.OPENED, because="this complaint is known already"),
    ignore(ComplaintOpened, at=states.OPENED, because="this complaint is known already"),
    ignore(
        events.ComplaintAssigned,
        at=(states.RESOLVED, states.WITH_OMBUDSMAN, *states.ENDED),
        because="we have answered",
    ),
    ignore(
        events.EscalationTaken,
        at=(states.RESOLVED, states.WITH_OMBUDSMAN, *states.ENDED),
        because="nothing is escalated any more",
    ),
    ignore(events.SpecialistCalled, at=states.OPENED, because="a specialist is there, or the case is closed"),
    refuse(
        events.ComplaintAssessed,
        at=states.not_asking(events.ComplaintAssessed),
        because="it is not to be assessed now; if somebody may be hurt, send complaint.hazard_found",
    ),
    *(
        refuse(event, at=states.not_asking(event), because="that question is not open")
        for event in (
            events.ComplaintTaken,
            events.HazardSecured,
            events.InformationGiven,
            events.CauseFound,
            events.ResolutionProposed,
            events.OfferApproved,
            events.OfferAnswered,
        )
    ),
)

"""Rules from reception to the finding: somebody takes it on, assesses it, and finds out what happened."""

from __future__ import annotations

from machines.complaining import ComplaintOpened
from machines.complaint import deadlines, effects, events, guards, letters, sending, states
from machines.consulting import TaskDone, TaskOverdue
from machines.kernel.rule import ignore, on, refuse

# Danger goes first; then somebody takes the complaint on and tells the customer; then it is assessed.
RECEPTION = (
    on(
        events.ComplaintReceived,
        at=states.RECEIVED,
        to=states.SECURING,
        when=guards.dangerous,
        then=effects.receive,
    ),
    on(events.ComplaintReceived, at=states.RECEIVED, to=states.ACKNOWLEDGING, then=effects.receive),
    on(
        ComplaintOpened,
        at=states.RECEIVED,
        to=states.CALLING_BACK,
        when=guards.unspoken,
        then=effects.receive_from_colleagues,
    ),
    on(
        ComplaintOpened,
        at=states.RECEIVED,
        to=states.ACKNOWLEDGING,
        then=effects.receive_from_colleagues,
    ),
    on(
        events.ComplaintTaken,
        at=(states.ACKNOWLEDGING, states.CALLING_BACK),
        to=states.ASSESSING,
        then=effects.take,
        does=(letters.TELL_ACKNOWLEDGED,),
    ),
    on(
        events.ComplaintAssessed,
        at=states.ASSESSING,
        to=states.SECURING,
        when=guards.severe,
        then=effects.assess,
        sends=sending.enquire,
    ),
    on(
        events.ComplaintAssessed,
        at=states.ASSESSING,
        to=states.INVESTIGATING,
        then=effects.assess,
        does=(letters.CALL_ABOUT_HAZARD,),
        sends=sending.enquire,
    ),
    on(events.HazardSecured, at=states.SECURING, to=states.SECURED, then=effects.secure),
)

# Whenever it shows that somebody may be hurt, danger goes first, and the cause is looked for once more.
HAZARD = (
    on(
        events.HazardFound,
        at=states.UNHARMED,
        to=states.SECURING,
        then=effects.find_hazard,
        because="somebody may be hurt",
    ),
    ignore(events.HazardFound, at=states.SECURING, because="the safety officer sees to it already"),
    refuse(
        events.HazardFound,
        at=states.not_in(states.TALKING),
        because="something has been promised or answered here; the hazard is a complaint of its own: send "
        "complaint.received with its hazard field true",
    ),
)

# Departments answer side by side; the investigator goes on when all have, or without them.
INVESTIGATION = (
    on(
        events.DepartmentConsulted,
        at=states.FINDING,
        then=effects.consult,
        sends=sending.open_task,
    ),
    on(
        TaskDone,
        at=(*states.FINDING, states.SECURING),
        when=guards.awaited,
        then=effects.department_answered,
        does=(letters.CALL_ALL_ANSWERED,),
    ),
    on(
        TaskOverdue,
        at=(*states.FINDING, states.SECURING),
        when=guards.awaited,
        then=effects.department_late,
        does=(letters.CALL_DEPARTMENT_LATE,),
    ),
    on(
        events.CauseFound,
        at=states.INVESTIGATING,
        to=states.PROPOSING,
        when=guards.upheld,
        then=effects.find,
        sends=sending.withdraw_tasks,
    ),
    on(
        events.CauseFound,
        at=states.INVESTIGATING,
        to=states.NOT_UPHELD,
        when=guards.not_upheld,
        then=effects.find_against,
        sends=sending.withdraw_tasks,
    ),
    refuse(
        events.DepartmentConsulted,
        at=states.not_in(states.FINDING),
        because="departments are consulted while the cause is looked for",
    ),
    ignore(TaskDone, at=states.OPENED, because="nobody waits for that answer any more"),
    ignore(TaskOverdue, at=states.OPENED, because="nobody waits for that answer any more"),
)

# While the ball is with somebody else, the clock for resolving rests.
INFORMATION = (
    on(
        events.InformationNeeded,
        at=states.INVESTIGATING,
        to=states.AWAITING_CUSTOMER,
        when=guards.of_customer,
        then=effects.ask,
    ),
    on(
        events.InformationNeeded,
        at=states.INVESTIGATING,
        to=states.AWAITING_THIRD_PARTY,
        then=effects.ask,
    ),
    on(
        events.InformationGiven,
        at=states.AWAITING_CUSTOMER,
        to=states.INVESTIGATING,
        when=guards.by_its_customer,
        does=(letters.CALL_AGENT,),
    ),
    on(
        events.CustomerWrote,
        at=states.AWAITING_CUSTOMER,
        to=states.INVESTIGATING,
        when=guards.by_its_customer,
        does=(letters.CALL_AGENT,),
        because="an answer by any channel is an answer",
    ),
    on(events.ThirdPartyAnswered, at=states.AWAITING_THIRD_PARTY, to=states.INVESTIGATING),
    on(
        deadlines.INFORMATION_DUE,
        at=states.AWAITING_CUSTOMER,
        to=states.INVESTIGATING,
        does=(letters.CALL_ABOUT_SILENCE,),
    ),
    on(
        deadlines.THIRD_PARTY_DUE,
        at=states.AWAITING_THIRD_PARTY,
        to=states.INVESTIGATING,
        does=(letters.CALL_ABOUT_SILENCE,),
    ),
    on(
        deadlines.REMINDER,
        at=(states.AWAITING_CUSTOMER, states.AWAITING_ANSWER),
        does=(letters.REMIND,),
    ),
    refuse(
        events.InformationNeeded,
        at=states.not_in((states.INVESTIGATING,)),
        because="questions are asked while the cause is looked for, one at a time",
    ),
    ignore(events.ThirdPartyAnswered, at=states.OPENED, because="nobody outside has been asked"),
)

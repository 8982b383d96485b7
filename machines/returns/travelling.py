"""Rules, guards and effects for a parcel on its way to us: shown to be sent, only said to be, lost, in doubt.

The carrier's scan or receipt shows that the goods were sent (Directive 2011/83/EU, Article 13(3)): from then
on the risk is ours, and the refund day counts. A customer's word, or the loss of what was never scanned, pays
nothing by itself; the returns desk decides.
"""

from __future__ import annotations

from datetime import datetime

from machines.kernel.event import Event
from machines.kernel.rule import defer, on
from machines.kernel.verdict import Verdict, allow_if
from machines.returns import commands, deadlines, effects, events, guards, letters, states
from machines.returns.data import Return
from machines.returns.sending import request_refund

# -- guards and effects ----------------------------------------------------------------------------


def shown(data: Return, event: events.ReturnSent, now: datetime) -> Verdict:
    if not (verdict := guards.by_its_customer(data, event, now)):
        return verdict
    return allow_if(
        bool((event.proof or "").strip()),
        "nothing shows yet that it was sent: give the carrier's receipt as proof",
    )


def said_first(data: Return, event: events.ReturnSent, now: datetime) -> Verdict:
    if not (verdict := guards.by_its_customer(data, event, now)):
        return verdict
    return allow_if(not data.said_sent, "the customer has said so before")


def said(data: Return, _: Event, __: datetime) -> Verdict:
    return allow_if(data.said_sent, "nobody has said that it was sent")


def not_lost(_: Return, event: events.ParcelJudged, __: datetime) -> Verdict:
    return allow_if(not event.lost, "the returns desk takes it for lost")


def note_word(data: Return, _: events.ReturnSent, __: datetime) -> Return:
    return data.model_copy(update={"said_sent": True})


def doubt(data: Return, _: Event, __: datetime) -> Return:
    return data.model_copy(update={"rung": 0})


def to_be_sent(data: Return, _: events.ParcelJudged, __: datetime) -> Return:
    return data.model_copy(update={"said_sent": False})


# -- rules -----------------------------------------------------------------------------------------

# Scan and receipt show that the goods were sent, and the customer hears once that the parcel is on its way.
SENT = (
    on(
        events.ReturnScanned,
        at=(states.AWAITING_PARCEL, states.IN_DOUBT),
        to=states.IN_TRANSIT,
        when=guards.newer,
        then=effects.scan,
        does=(letters.TELL_ON_ITS_WAY,),
    ),
    on(
        events.ReturnScanned,
        at=states.IN_TRANSIT,
        to=states.IN_TRANSIT,
        when=guards.newer,
        then=effects.scan,
    ),
    on(
        events.ReturnSent,
        at=(states.AWAITING_PARCEL, states.IN_DOUBT),
        to=states.IN_TRANSIT,
        when=shown,
        then=effects.sent,
        does=(letters.TELL_ON_ITS_WAY,),
    ),
    on(
        events.ReturnSent,
        at=states.AWAITING_PARCEL,
        when=said_first,
        then=note_word,
        does=(letters.ASK_RECEIPT,),
    ),
    defer(events.ReturnSent, at=states.BUSY, because="the step under way comes first"),
    defer(events.ReturnScanned, at=states.BUSY, because="the step under way comes first"),
)

# Said to be sent, or reported lost, and no trace of it: the returns desk asks carrier and customer.
DOUBT = (
    on(deadlines.PARCEL_DUE, at=states.AWAITING_PARCEL, to=states.IN_DOUBT, when=said, then=doubt),
    on(events.ReturnLost, at=states.AWAITING_PARCEL, to=states.IN_DOUBT, then=doubt),
    on(
        events.ParcelJudged,
        at=states.IN_DOUBT,
        to=states.AWAITING_PARCEL,
        when=not_lost,
        then=to_be_sent,
        does=(letters.REMIND_TO_SEND,),
    ),
    on(deadlines.DOUBT_DUE, at=states.IN_DOUBT, then=effects.climb, does=(letters.CALL_ABOUT_DOUBT,)),
)

# What is lost on its way to us is our loss, not the customer's.
LOST = tuple(
    rule
    for event, at in (
        (events.ReturnLost, states.IN_TRANSIT),
        (deadlines.NO_SCAN, states.IN_TRANSIT),
        (events.ParcelJudged, states.IN_DOUBT),
    )
    for rule in (
        on(
            event,
            at=at,
            to=states.RETURN_STANDS,
            when=guards.replaced,
            then=effects.lost,
            does=(commands.CLAIM, letters.TELL_LOST),
        ),
        on(
            event,
            at=at,
            to=states.SETTING_ASIDE,
            when=guards.wants_replacement,
            then=effects.lost,
            does=(commands.CLAIM, letters.TELL_LOST),
        ),
        on(
            event,
            at=at,
            to=states.MONEY_STANDS,
            then=effects.lost_and_owe,
            does=(commands.CLAIM, letters.TELL_LOST),
            sends=request_refund,
        ),
    )
)

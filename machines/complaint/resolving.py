"""Rules from the offer to the closing: what is offered, what the customer says, and how it is made good."""

from __future__ import annotations

from machines.between import ParcelCancelled, ParcelDelivered, ParcelDispatched, ParcelFailed
from machines.complaint import commands, effects, events, guards, letters, sending, states
from machines.kernel.rule import ignore, on
from machines.redress import RedressAvailable, RedressFailed, RedressSettled

# The severity matrix says what may be offered; above a limit somebody approves it first.
OFFER = (
    on(RedressAvailable, at=states.OPENED, then=effects.note_what_is_left),
    on(
        events.ResolutionProposed,
        at=states.PROPOSALS,
        to=states.OFFER_STANDS,
        when=guards.may_offer,
        then=effects.propose,
    ),
    on(
        events.OfferApproved,
        at=states.APPROVALS,
        to=states.AWAITING_ANSWER,
        when=guards.approved,
    ),
    on(events.OfferApproved, at=states.APPROVALS, to=states.PROPOSING, then=effects.note_refusal),
    on(states.APPROVAL_DUE, at=states.AWAITING_SENIOR, does=(letters.CALL_SENIOR,)),
    on(states.APPROVAL_DUE, at=states.AWAITING_MANAGER, does=(letters.CALL_MANAGER,)),
)

ANSWER = (
    on(
        events.OfferAnswered,
        at=states.AWAITING_ANSWER,
        to=states.REDRESS,
        when=guards.accepts,
        then=effects.accept,
        sends=sending.request_redress,
    ),
    on(
        events.OfferAnswered,
        at=states.AWAITING_ANSWER,
        to=states.AFTER_REJECTION,
        when=guards.rejects,
        then=effects.reject,
    ),
    on(states.OFFER_DUE, at=states.AWAITING_ANSWER, to=states.SILENT, then=effects.close),
)

# What was promised is given once; what cannot be given is replaced by something else.
REDRESS = (
    on(
        RedressSettled,
        at=states.REFUNDING,
        to=states.RESOLVED,
        when=guards.is_redress,
    ),
    on(
        RedressFailed,
        at=states.REFUNDING,
        to=states.REDRESS_FAILED,
        when=guards.is_redress,
        then=effects.fail,
        sends=sending.enquire,
    ),
    on(states.REDRESS_DUE, at=states.REFUNDING, does=(letters.CALL_ABOUT_REDRESS,)),
    on(events.VoucherIssued, at=states.ISSUING, to=states.RESOLVED),
    on(events.VoucherRefused, at=states.ISSUING, to=states.REDRESS_FAILED, then=effects.fail),
    on(events.GoodwillPaid, at=states.PAYING, to=states.RESOLVED),
    on(events.GoodwillRefused, at=states.PAYING, to=states.REDRESS_FAILED, then=effects.fail),
    on(
        events.ReplacementSetAside,
        at=states.SETTING_ASIDE,
        to=states.REPLACING,
        sends=sending.ship_replacement,
    ),
    on(events.ReplacementUnavailable, at=states.SETTING_ASIDE, to=states.REDRESS_FAILED, then=effects.fail),
    on(ParcelDelivered, at=states.REPLACING, to=states.RESOLVED),
    on(
        ParcelCancelled,
        at=states.REPLACING,
        to=states.REDRESS_FAILED,
        then=effects.fail,
        does=(commands.PUT_BACK,),
    ),
    on(
        ParcelFailed,
        at=(states.REPLACING, states.RESOLVED),
        to=states.REDRESS_FAILED,
        then=effects.fail,
    ),
    on(ParcelFailed, at=states.OPENED, does=(letters.CALL_AGENT,)),
    on(ParcelDispatched, at=states.OPENED, because="the shipment tells when it has arrived"),
    on(events.ReplacementPutBack, at=states.OPENED, because="the goods are back on the shelf"),
    *(
        ignore(event, at=states.OPENED, because="this has been counted already")
        for event in (RedressSettled, RedressFailed, ParcelDelivered, ParcelCancelled)
    ),
)

# A week later the customer is asked whether all is well.
CLOSING = (
    on(states.FOLLOW_UP, at=states.RESOLVED, to=states.CLOSED, then=effects.close),
    on(states.THIRD_DAY, at=states.OPEN, then=effects.third_day_is_over),
    on(states.PROGRESS_DUE, at=states.WITH_PROGRESS, does=(letters.TELL_PROGRESS,)),
)

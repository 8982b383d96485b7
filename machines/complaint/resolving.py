"""Rules from the offer to the closing: what is offered, what the customer says, and how it is made good."""

from __future__ import annotations

from machines.between import ParcelCancelled, ParcelDelivered, ParcelDispatched, ParcelFailed
from machines.complaining import AppealBarred, AppealGranted
from machines.complaint import (
    commands,
    deadlines,
    effects,
    events,
    guards,
    letters,
    outcomes,
    sending,
    states,
)
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
    on(deadlines.APPROVAL_DUE, at=states.AWAITING_SENIOR, does=(letters.CALL_SENIOR,)),
    on(deadlines.APPROVAL_DUE, at=states.AWAITING_MANAGER, does=(letters.CALL_MANAGER,)),
)

ANSWER = (
    on(
        events.OfferAnswered,
        at=states.AWAITING_ANSWER,
        to=states.REDRESS,
        when=guards.accepts,
        then=effects.accept,
        sends=sending.settle,
    ),
    on(
        events.OfferAnswered,
        at=states.AWAITING_ANSWER,
        to=states.AFTER_REJECTION,
        when=guards.rejects,
        then=effects.reject,
        sends=sending.enquire,
    ),
    on(deadlines.OFFER_DUE, at=states.AWAITING_ANSWER, to=states.SILENT, then=effects.close),
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
    on(
        AppealGranted,
        at=states.AWAITING_RETURN,
        to=states.RESOLVED,
        when=guards.is_redress,
        then=effects.answered_by_return,
    ),
    on(
        AppealBarred,
        at=states.AWAITING_RETURN,
        to=states.REDRESS_FAILED,
        when=guards.is_redress,
        then=effects.barred_by_return,
        sends=sending.enquire,
    ),
    on(
        deadlines.REDRESS_DUE,
        at=(states.REFUNDING, states.AWAITING_RETURN),
        does=(letters.CALL_ABOUT_REDRESS,),
    ),
    on(outcomes.VoucherIssued, at=states.ISSUING, to=states.RESOLVED),
    on(outcomes.VoucherRefused, at=states.ISSUING, to=states.REDRESS_FAILED, then=effects.fail),
    on(outcomes.GoodwillPaid, at=states.PAYING, to=states.RESOLVED),
    on(outcomes.GoodwillRefused, at=states.PAYING, to=states.REDRESS_FAILED, then=effects.fail),
    on(
        outcomes.ReplacementSetAside,
        at=states.SETTING_ASIDE,
        to=states.REPLACING,
        sends=sending.ship_replacement,
    ),
    on(outcomes.ReplacementUnavailable, at=states.SETTING_ASIDE, to=states.REDRESS_FAILED, then=effects.fail),
    on(ParcelDelivered, at=states.REPLACING, to=states.RESOLVED, when=guards.is_replacement),
    on(
        ParcelCancelled,
        at=states.REPLACING,
        to=states.REDRESS_FAILED,
        when=guards.is_replacement,
        then=effects.fail,
        does=(commands.PUT_BACK,),
    ),
    on(
        ParcelFailed,
        at=(states.REPLACING, states.RESOLVED),
        to=states.REDRESS_FAILED,
        when=guards.is_replacement,
        then=effects.fail,
    ),
    on(
        ParcelFailed,
        at=states.OPENED,
        does=(letters.CALL_ABOUT_PARCEL,),
        because="nothing waits for this replacement any more",
    ),
    on(ParcelDispatched, at=states.OPENED, because="the shipment tells when it has arrived"),
    on(outcomes.ReplacementPutBack, at=states.OPENED, because="the goods are back on the shelf"),
    *(
        ignore(event, at=states.OPENED, because="this has been counted already")
        for event in (
            RedressSettled,
            RedressFailed,
            AppealGranted,
            AppealBarred,
            ParcelDelivered,
            ParcelCancelled,
        )
    ),
)

# A week later the customer is asked whether all is well.
CLOSING = (
    on(deadlines.FOLLOW_UP, at=states.RESOLVED, to=states.CLOSED, then=effects.close),
    on(deadlines.THIRD_DAY, at=states.OPEN, then=effects.third_day_is_over),
    on(deadlines.PROGRESS_DUE, at=states.WITH_PROGRESS, does=(letters.TELL_PROGRESS,)),
)

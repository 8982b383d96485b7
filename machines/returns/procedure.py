"""The return procedure: its header, and its rules in the order in which returns live.

A customer asks for a return of an order; the policy answers (``eligibility.py``, with the numbers of
``terms.py``). The goods come, are inspected, and the customer has the money or a replacement. Read
``states.py`` for where a return can stand and which time limits run there, then the rules in ``authorising``,
``travelling``, ``inspecting``, ``replacing``, ``exchanging`` and ``closing``.
"""

from __future__ import annotations

from machines.between import (
    ParcelCancelled,
    ParcelDelivered,
    ParcelDispatched,
    ParcelFailed,
    RefundCrossed,
    RefundSettled,
    RefundWithheld,
)
from machines.complaining import AppealDecided
from machines.kernel.procedure import Procedure
from machines.returning import ReturnCapped, ReturnCovered, ReturnRequested
from machines.returns import (
    appealing,
    authorising,
    closing,
    events,
    exchanging,
    inspecting,
    postage,
    replacing,
    states,
    travelling,
)
from machines.returns.data import Return
from machines.returns.exploring import may_happen
from machines.returns.terms import Terms

RETURN = Procedure(
    name="return",
    title="Returns and exchanges",
    version=1,
    purpose="Take goods back as policy and law allow, and give each customer the money or a replacement.",
    scope="All goods delivered for an order that a customer wants to send back, for whatever reason.",
    responsible="Head of returns",
    references=(
        "Directive 2011/83/EU, Articles 9 to 16 (right of withdrawal)",
        "Regulation 1182/71, Article 3 (periods and working days)",
        "Order processing",
    ),
    fulfils=("RET-1", "RET-2", "RET-3", "RET-6", "GOV-1"),
    data=Return,
    events=(
        ReturnRequested,
        ReturnCovered,
        ReturnCapped,
        AppealDecided,
        events.ReturnWithdrawn,
        events.ReturnAppealed,
        events.ReturnSent,
        events.PostageClaimed,
        events.ReturnScanned,
        events.ReturnLost,
        events.ReturnArrived,
        events.ReturnOverridden,
        ParcelDispatched,
        ParcelDelivered,
        ParcelFailed,
        ParcelCancelled,
        RefundSettled,
        RefundWithheld,
        RefundCrossed,
    ),
    states=(states.REQUESTED, *states.OPENED),
    rules=(
        *authorising.ELIGIBILITY,
        *appealing.APPEAL,
        *appealing.RULING,
        *appealing.COVERED,
        *authorising.OVERRIDE,
        *exchanging.REST,
        *authorising.LABEL,
        *exchanging.UNREPLACED,
        *travelling.SENT,
        *travelling.DOUBT,
        *travelling.LOST,
        *authorising.PARCEL,
        *authorising.LATE,
        *postage.POSTAGE,
        *exchanging.ADVANCE_INSPECTION,
        *inspecting.INSPECTION,
        *inspecting.CHOICE,
        *inspecting.BY_LAW,
        *replacing.REPLACEMENT,
        *replacing.UNRETURNED,
        *closing.CHILDREN,
        *closing.CHARGED_BACK,
        *closing.REOPENING,
        *closing.OTHERWISE,
    ),
    may_happen=may_happen,
    module="machines.returns",
    terms=Terms,
    kpis=(
        "days from the goods' arrival to settled money",
        "share of returns declined, and of these appealed and overridden",
        "share of inspections later than two working days",
    ),
)

"""Rules, guard and effect for what a customer pays for the way to us because the carrier gave no label.

It is none of the order's money, and so goes to the customer's bank account, once, up to the limit of the
policy, when the goods have been looked at or are lost.
"""

from __future__ import annotations

from datetime import datetime

from machines.kernel.rule import defer, on, refuse
from machines.kernel.verdict import Refusal, Verdict
from machines.returns import commands, events, guards, letters, states
from machines.returns.data import Return


def owed(data: Return, event: events.PostageClaimed, now: datetime) -> Verdict:
    if not (verdict := guards.by_its_customer(data, event, now)):
        return verdict
    if not data.own_postage:
        return Refusal("the way to us was free of charge with our label")
    if data.postage:
        return Refusal("the postage has been asked back before")
    if not (data.offered or data.paybacks):
        return Refusal("nothing that was announced has come")
    return verdict


def claim(data: Return, event: events.PostageClaimed, _: datetime) -> Return:
    return data.model_copy(update={"postage": min(event.amount, data.postage_most)})


NOT_YET = (
    states.AUTHORISING,
    states.ADVANCING,
    *states.BEFORE_INSPECTION,
    states.INSPECTING,
    states.COVERING,
)
NOTHING_CAME = (
    *states.REFUSED,
    *(state for state in states.KEPT if state is not states.UNEXCHANGED),
    states.UNRETURNED,
    states.WRITTEN_OFF,
)

POSTAGE = (
    on(
        events.PostageClaimed,
        at=states.besides(*NOT_YET, *NOTHING_CAME),
        when=owed,
        then=claim,
        does=(commands.PAY_POSTAGE,),
    ),
    on(events.PostagePaid, at=states.OPENED, does=(letters.TELL_POSTAGE,)),
    on(events.PostageRefused, at=states.OPENED, does=(letters.CALL_ABOUT_POSTAGE,)),
    defer(
        events.PostageClaimed,
        at=NOT_YET,
        because="the postage is paid back when the goods have been looked at",
    ),
    refuse(events.PostageClaimed, at=NOTHING_CAME, because="no goods were taken back here"),
)

"""What the ruling on an appeal changes in what a return knows; effects as in ``effects.py``."""

from __future__ import annotations

from datetime import datetime

from machines.complaining import AppealDecided, Relief
from machines.kernel.event import Event
from machines.returning import ReturnCovered, Wish
from machines.returns import paying
from machines.returns.data import Award, Reopening, Return
from machines.returns.effects import allowed
from machines.returns.eligibility import Ground


def note_ruling(data: Return, event: AppealDecided, _: datetime) -> Return:
    return data.model_copy(update={"ruling": event.ruling})


def award(data: Return, event: AppealDecided, now: datetime) -> Return:
    """As if our answer had been yes; for a replacement, as if the goods had come back as they were sold."""
    data = note_ruling(data, event, now)
    made = Award(redress=event.redress, relief=event.relief, amount=event.amount)
    data = data.model_copy(update={"award": made})
    if event.relief is Relief.REFUND:
        return data.model_copy(update={"wish": Wish.REFUND})
    answer = allowed(data, reasons=("allowed on appeal",), ground=Ground.ON_APPEAL)
    data = data.model_copy(update={"answer": answer})
    if event.relief is Relief.RETURN:
        return data
    worth = {"accepted": answer.refund, "offered": answer.refund}
    return data.model_copy(update={"wish": Wish.REPLACEMENT, "instead": None, "advance": False, **worth})


def award_and_owe(data: Return, event: AppealDecided, now: datetime) -> Return:
    return _owe_award(award(data, event, now), event)


def award_and_reopen(data: Return, event: AppealDecided, now: datetime) -> Return:
    update = {"reopening": Reopening.APPEAL, "reopened": data.reopened + 1}
    return award(data, event, now).model_copy(update=update)


def _owe_award(data: Return, event: Event) -> Return:
    """What the appeal brought comes on top of what finance has withheld before."""
    made = data.award
    if made is None:
        return data
    data = paying.owe(data, data.going_back + made.amount, event)
    return data.model_copy(update={"award": made.model_copy(update={"refund": data.paybacks[-1].key})})


def cover_and_owe(data: Return, event: ReturnCovered, now: datetime) -> Return:
    return _owe_award(paying.cover(data, event, now), event)

"""The time limits of a return, and what passing each one means."""

from __future__ import annotations

from machines.kernel.duration import days, hours, working_days
from machines.kernel.state import Deadline, Instant
from machines.returns import guards

APPEAL_DUE = Deadline("appeal_due", "Nobody has looked at it again; the answer stands.", after=days(14))
RULING_DUE = Deadline(
    "ruling_due",
    "The complaint is not decided after its eight weeks; until it is, the answer stands.",
    after=days(60),
)
REMINDER = Deadline("reminder", "The customer is reminded.", after=days(5), repeats=True)
PARCEL_DUE = Deadline(
    "parcel_due",
    "The goods have not come: the label is voided and the return expires; a replacement sent in advance is "
    "charged. Where the customer says that they were sent, the returns desk is asked first.",
    after=days(14),
    repeats=True,
)
DOUBT_DUE = Deadline(
    "doubt_due", "Nobody has decided; the next in line is called.", after=working_days(2), repeats=True
)
NO_SCAN = Deadline("no_scan", "Nothing was heard of the parcel; it counts as lost.", after=days(10))
INSPECTION_DUE = Deadline(
    "inspection_due", "Nobody has looked; the next in line is called.", after=working_days(2), repeats=True
)
REFUND_BY = Deadline(
    "refund_by",
    "The law allows no longer wait: the refund goes out whatever inspection will say.",
    until=Instant(
        "14 days after the withdrawal, or three days after the goods were sent if that is later",
        guards.refund_by,
    ),
)
CHOICE_REMINDER = Deadline("choice_reminder", "The customer is reminded.", after=days(3))
CHOICE_DUE = Deadline("choice_due", "The customer has not chosen: the partial refund is paid.", after=days(7))
DIFFERENCE_DUE = Deadline(
    "difference_due", "The customer has not answered: the goods are paid back instead.", after=days(7)
)
CHARGE_DUE = Deadline(
    "charge_due", "Nobody has decided; the next in line is called.", after=working_days(2), repeats=True
)
DISPATCH_DUE = Deadline(
    "dispatch_due", "The parcel is late; the lead is called.", after=hours(48), repeats=True
)

"""The time limits of an order, with what it means that one passes."""

from __future__ import annotations

from machines.kernel.duration import days, hours, working_days, working_hours
from machines.kernel.state import Deadline, Instant
from machines.order.standing import hold_ends, hold_ends_soon, promise_ends_soon, promised_day, some_packed

REVIEW_DUE = Deadline(
    "review_due",
    "Nobody has decided; the next in line is called.",
    after=working_hours(4),
    repeats=True,
)
REMINDER = Deadline("reminder", "The customer is reminded.", after=hours(24), repeats=True)
ANSWER_DUE = Deadline(
    "answer_due", "The customer has not answered; what was not delivered is given up.", after=hours(72)
)
PAYMENT_DUE = Deadline("payment_due", "The order is still not paid; it is given up.", after=hours(1))
PRICE_DUE = Deadline(
    "price_due",
    "Without the customer's yes the price at which the order was placed stands.",
    after=hours(72),
)
MEANS_DUE = Deadline("means_due", "No other means of payment came; the order is given up.", after=days(3))
OWED_DUE = Deadline("owed_due", "The goods are still not paid; finance decides.", after=days(3))
DEBT_DUE = Deadline(
    "debt_due",
    "Nobody has decided about unpaid goods; the next in line is called.",
    after=working_days(1),
    repeats=True,
)
PROMISE_DUE = Deadline(
    "promise_due",
    "The promised day may slip; the customer is told before it does.",
    until=Instant("two days before the promised day", promise_ends_soon),
)
PROMISE_BROKEN = Deadline(
    "promise_broken",
    "The promised day is here without the goods; the customer decides.",
    until=Instant("on the promised day", promised_day),
)
HANDOVER_DUE = Deadline(
    "handover_due",
    "Nobody has decided; the next in line is called.",
    after=working_hours(4),
    repeats=True,
)
DISPATCH_DUE = Deadline(
    "dispatch_due",
    "A parcel is late; the warehouse is chased, the customer told.",
    after=hours(48),
    runs_if=some_packed,
)
DISPATCH_OVERDUE = Deadline(
    "dispatch_overdue",
    "A parcel is four days late; its lead is called, and the customer told, again every four days.",
    after=hours(96),
    runs_if=some_packed,
    repeats=True,
)
HOLD_ENDS_SOON = Deadline(
    "hold_ends_soon",
    "The money will not be held much longer; it is secured anew.",
    until=Instant("a day before the first hold on the customer's money ends", hold_ends_soon),
)
HOLD_ENDS = Deadline(
    "hold_ends",
    "The money is not held any longer; what has not left is stopped.",
    until=Instant("when the first hold on the customer's money ends", hold_ends),
)
STOP_DUE = Deadline(
    "stop_due", "The warehouse has not answered; its lead is called.", after=hours(24), repeats=True
)
PARCEL_CLOCKS = (DISPATCH_DUE, DISPATCH_OVERDUE)

"""A toy procedure for tests: a library lends a book, reminds the reader, gets it back."""

from __future__ import annotations

from datetime import datetime, timedelta

from machines.kernel.command import CommandType, Retry
from machines.kernel.definition import Definition
from machines.kernel.duration import hours
from machines.kernel.event import DeadlinePassed, Event, Facts, Outcome
from machines.kernel.procedure import Procedure
from machines.kernel.rule import Send, defer, ignore, on, refuse
from machines.kernel.state import Act, Deadline, End, Wait
from machines.kernel.verdict import Verdict, allow_if


class Loan(Facts):
    book: str
    renewals: int = 0


class Lent(Event, type="loan.lent", opens=True):
    book: str


class Renewed(Event, type="loan.renewed"):
    pass


class Returned(Event, type="loan.returned"):
    pass


class Noted(Event, type="loan.noted"):
    pass


class ReminderSent(Outcome, type="reminder.sent"):
    pass


class LoanEnded(Event, type="loan.ended"):
    book: str


class Reminder(Facts):
    book: str


def may_renew(loan: Loan, event: Renewed, at: datetime) -> Verdict:
    return allow_if(loan.renewals < 2, "a loan is renewed twice at most", alternatives=("return it",))


def lend(loan: Loan | None, event: Lent, at: datetime) -> Loan:
    return Loan(book=event.book)


def renew(loan: Loan, event: Renewed, at: datetime) -> Loan:
    return loan.model_copy(update={"renewals": loan.renewals + 1})


def pass_on(loan: Loan, event: Noted) -> list[Send]:
    return [Send(LoanEnded(book=loan.book), ("loan", "L-2"))]


REMIND = CommandType(
    "reminder.send",
    lambda loan, event: [Reminder(book=loan.book)],
    outcomes=(ReminderSent,),
    possible=lambda arguments: [ReminderSent()],
    takes=Reminder,
    retry=Retry(attempts=3, first=0.05, factor=1, jitter=0),
    timeout=5,
)
OVERDUE = Deadline("overdue", "the book is overdue", after=hours(24))
NAGGED = Deadline("nagged", "remind again", after=hours(1), repeats=True)

SHELF = Wait("shelf", "The book stands on its shelf.", no_deadline="books wait for readers")
LENT = Wait("lent", "A reader has the book.", deadlines=(OVERDUE,))
REMINDING = Act("reminding", "The reader is reminded.", does=(REMIND,), deadlines=(NAGGED,))
BACK = End("back", "The book is back.", outcome="returned", reports=lambda loan: LoanEnded(book=loan.book))

LOAN = Procedure(
    name="loan",
    title="Loan of a book",
    version=1,
    purpose="Lend books and get them back.",
    scope="One book, one reader.",
    responsible="Librarian",
    references=(),
    fulfils=(),
    data=Loan,
    events=(Lent, Renewed, Returned, Noted),
    states=(SHELF, LENT, REMINDING, BACK),
    rules=(
        on(Lent, at=SHELF, to=LENT, then=lend),
        on(Renewed, at=LENT, to=LENT, when=may_renew, then=renew),
        on(OVERDUE, at=LENT, to=REMINDING),
        on(NAGGED, at=REMINDING, does=(REMIND,)),
        on(ReminderSent, at=REMINDING),
        on(Returned, at=(LENT, REMINDING), to=BACK),
        defer(Noted, at=LENT, because="notes are read when the book is late"),
        on(Noted, at=REMINDING, sends=pass_on),
        ignore(Lent, at=(LENT, REMINDING), because="it is lent already"),
        refuse(Lent, at=BACK, because="open a new loan"),
    ),
    may_happen=lambda loan: (),
    module="machines.kernel",
)
DEFINITION = Definition(LOAN, due=lambda deadline, data, now: now + timedelta(hours=_hours(deadline)))
EVENTS = {
    "loan.lent": Lent(book="Emma"),
    "loan.renewed": Renewed(),
    "loan.returned": Returned(),
    "loan.noted": Noted(),
    "reminder.sent": ReminderSent(),
    "deadline.overdue": DeadlinePassed(name="overdue"),
    "deadline.nagged": DeadlinePassed(name="nagged"),
}


def _hours(deadline: Deadline) -> int:
    assert deadline.after is not None
    return deadline.after.amount

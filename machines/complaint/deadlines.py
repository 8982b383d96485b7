"""The time limits of a complaint, apart from its clocks (``clocks.py``), and what passing each one means."""

from __future__ import annotations

from datetime import datetime

from machines.complaint.data import Complaint
from machines.kernel.duration import days, working_days
from machines.kernel.state import Deadline, Instant

THIRD_DAY = Deadline(
    "third_day",
    "The third business day closes: from now on a complaint is closed by a final response.",
    after=working_days(3),
)
PROGRESS_DUE = Deadline(
    "progress_due", "The customer is told how far we are.", after=working_days(5), repeats=True
)
REMINDER = Deadline("reminder", "The customer is reminded.", after=days(5), repeats=True)
INFORMATION_DUE = Deadline(
    "information_due", "The customer has not answered our question; we go on without.", after=days(14)
)
THIRD_PARTY_DUE = Deadline(
    "third_party_due", "Nobody outside has answered; we go on without.", after=working_days(10)
)
APPROVAL_DUE = Deadline(
    "approval_due",
    "Nobody has decided on the offer; the approver is called again.",
    after=working_days(1),
    repeats=True,
)
OFFER_DUE = Deadline(
    "offer_due", "The customer says nothing to our offer; the complaint is closed.", after=days(14)
)
REDRESS_DUE = Deadline(
    "redress_due",
    "What was promised is still not given; the head of complaints is called.",
    after=working_days(5),
    repeats=True,
)


def _merge_due(complaint: Complaint) -> datetime | None:
    return complaint.merging.due if complaint.merging else None


MERGE_DUE = Deadline(
    "merge_due",
    "The complaint that this one is to be merged into has not answered; the agent looks at its number.",
    until=Instant("an hour after another complaint was asked to take it on", _merge_due),
)
FOLLOW_UP = Deadline("follow_up", "A week later the customer is asked whether all is well.", after=days(7))
OUTSIDE_DUE = Deadline(
    "outside_due", "The ombudsman has not decided; the desk asks how far it is.", after=days(30), repeats=True
)

"""The service levels of a complaint: how soon it is acknowledged, resolved, answered by law; who is called.

Waiting for the customer or for somebody outside rests the time for resolving, but never the eight weeks,
which no hold stops either.
"""

from __future__ import annotations

from collections.abc import Mapping

from machines.complaining import Origin
from machines.complaint import letters, states
from machines.complaint.data import Complaint, Severity
from machines.kernel.clock import Clock, Reopened, Rung
from machines.kernel.duration import Duration, days, hours, minutes, working_days, working_hours

_TO_RESOLVE: Mapping[Severity, Duration] = {
    Severity.S1: working_hours(8),
    Severity.S2: working_days(5),
    Severity.S3: working_days(10),
    Severity.S4: working_days(15),
}


def to_acknowledge(complaint: Complaint) -> Duration:
    """A dissatisfied customer who did not complain is called within half a day."""
    return working_hours(4) if complaint.origin is Origin.SURVEY else working_days(1)


def to_resolve(complaint: Complaint) -> Duration:
    return _TO_RESOLVE[complaint.severity or Severity.S3]


def owner(complaint: Complaint) -> str | None:
    return complaint.owner


ACKNOWLEDGEMENT = Clock(
    "acknowledgement",
    "Somebody has taken the complaint on and told the customer.",
    budget=to_acknowledge,
    runs_in=(states.ACKNOWLEDGING, states.CALLING_BACK),
    rungs=(
        Rung(75, whom=letters.AGENT, text="a complaint is still to be acknowledged"),
        Rung(
            100,
            whom=letters.SENIOR,
            text="a complaint was not acknowledged in time",
            acknowledge_within=working_hours(2),
        ),
        Rung(
            150,
            whom=letters.MANAGER,
            text="a complaint is still not acknowledged",
            acknowledge_within=working_hours(2),
        ),
    ),
    fulfils=("CMP-1", "CMP-7"),
)
SAFETY = Clock(
    "safety",
    "Nobody is in danger (any more).",
    budget=hours(1),
    runs_in=(states.SECURING,),
    rungs=(
        Rung(50, whom=letters.SAFETY_OFFICER, text="somebody may be hurt", acknowledge_within=minutes(15)),
        Rung(100, whom=letters.MANAGER, text="a hazard is not secured", acknowledge_within=minutes(15)),
    ),
    reopened=Reopened.RESTARTS,
    fulfils=("CMP-5", "CMP-7"),
)
RESOLUTION = Clock(
    "resolution",
    "The customer has what the complaint is worth, and our answer.",
    budget=to_resolve,
    runs_in=(
        states.ASSESSING,
        states.INVESTIGATING,
        *states.PROPOSALS,
        *states.APPROVALS,
        *states.GIVING,
    ),
    pauses_in=(states.AWAITING_CUSTOMER, states.AWAITING_THIRD_PARTY, states.AWAITING_ANSWER),
    rungs=(
        Rung(50, whom=letters.AGENT, text="half of the time for a complaint is used"),
        Rung(
            75,
            whom=letters.SENIOR,
            text="a complaint is at risk of being late",
            acknowledge_within=working_hours(4),
        ),
        Rung(100, whom=letters.MANAGER, text="a complaint is late", acknowledge_within=working_hours(4)),
        Rung(
            150,
            whom=letters.OMBUDSMAN_DESK,
            text="a complaint is very late; prepare for the ombudsman",
            acknowledge_within=working_days(1),
        ),
    ),
    reopened=Reopened.RESTARTS,
    owner=owner,
    fulfils=("CMP-5", "CMP-7"),
)
EIGHT_WEEKS = Clock(
    "eight_weeks",
    "The customer has our final response; FCA DISP 1.6.2.",
    budget=days(letters.EIGHT_WEEKS.days),
    runs_in=states.OPEN,
    thresholds=(80, 100),
    statutory=True,
    fulfils=("CMP-5", "CMP-7"),
)
CLOCKS = (ACKNOWLEDGEMENT, SAFETY, RESOLUTION, EIGHT_WEEKS)

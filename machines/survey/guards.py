"""Under which condition a rule of the survey procedure applies."""

from __future__ import annotations

from datetime import datetime

from machines.kernel.verdict import Verdict, allow_if
from machines.survey.data import Survey
from machines.survey.events import OpinionGiven


def by_its_customer(survey: Survey, event: OpinionGiven, _: datetime) -> Verdict:
    return allow_if(event.customer == survey.customer, "this survey was sent to another customer")


def dissatisfied(survey: Survey, event: OpinionGiven, now: datetime) -> Verdict:
    if not (verdict := by_its_customer(survey, event, now)):
        return verdict
    return allow_if(event.score <= survey.low_score, "the customer is satisfied")

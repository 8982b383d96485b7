"""What may happen to a survey from outside, for the exhaustive check and for examples."""

from __future__ import annotations

from collections.abc import Iterable

from machines.between import SurveyCalledOff
from machines.kernel.event import Event
from machines.survey.data import BEST, Survey
from machines.survey.events import OpinionGiven


def may_happen(survey: Survey) -> Iterable[Event]:
    yield OpinionGiven(customer=survey.customer, score=BEST)
    yield OpinionGiven(customer=survey.customer, score=1)
    yield SurveyCalledOff(survey=survey.survey)

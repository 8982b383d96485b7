"""What an event changes in what a survey knows, and what follows for others."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from machines.between import SurveyRequested
from machines.complaining import ComplaintOpened, Origin
from machines.kernel.rule import Send
from machines.survey.data import BEST, Survey, Terms
from machines.survey.events import OpinionGiven


def request(terms: Terms, event: SurveyRequested, _: datetime) -> Survey:
    return Survey(
        survey=event.survey,
        about=event.about,
        channel=event.channel,
        customer=event.customer,
        buyer=event.buyer,
        locale=event.locale,
        currency=event.currency,
        order=event.order,
        low_score=terms.low_score,
    )


def note(survey: Survey, event: OpinionGiven, _: datetime) -> Survey:
    return survey.model_copy(update={"score": event.score, "words": event.words})


def open_complaint(survey: Survey) -> Iterable[Send]:
    """A dissatisfied customer need not complain to be heard."""
    opened = ComplaintOpened(
        complaint=f"{survey.survey}-C",
        origin=Origin.SURVEY,
        channel=survey.channel,
        customer=survey.customer,
        buyer=survey.buyer,
        locale=survey.locale,
        currency=survey.currency,
        order=survey.order,
        why=f"scored {survey.score} of {BEST} about {survey.about}",
        words=survey.words,
    )
    yield Send(opened, to=("complaint", opened.complaint), apart=True)

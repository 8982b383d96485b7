"""What a survey writes to the customer."""

from __future__ import annotations

from collections.abc import Iterable

from machines.kernel.event import Event
from machines.messages import Message, MessageType, message
from machines.survey.data import Survey


def _tell(template: str, *, fulfils: tuple[str, ...] = ()) -> MessageType:
    def arguments(survey: Survey, _: Event) -> Iterable[Message]:
        yield Message(
            template=template,
            customer=survey.customer,
            to=survey.buyer,
            locale=survey.locale,
            about=survey.about,
            facts={"survey": survey.survey},
        )

    return message(template, arguments=arguments, fulfils=fulfils)


ASK_OPINION = _tell("survey.opinion_asked", fulfils=("IMP-1", "SAT-3"))
REMIND = _tell("survey.reminder", fulfils=("IMP-1",))
THANK = _tell("survey.thanks", fulfils=("SAT-1",))
APOLOGISE = _tell("survey.sorry", fulfils=("SAT-2", "SAT-3"))

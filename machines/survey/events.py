"""What can happen to a survey besides being requested and called off."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from machines.kernel.event import Event, Story
from machines.survey.data import BEST


class OpinionGiven(Event, type="survey.answered"):
    """The customer says how it was; 5 is best."""

    customer: str
    score: Annotated[int, Field(ge=1, le=BEST)]
    words: Story | None = None

    examples = (
        {"customer": "C-1", "score": 5},
        {"customer": "C-1", "score": 1, "words": "I had to ask three times."},
    )

"""What a survey knows: whom it asks about which case, and what the customer said."""

from __future__ import annotations

from pydantic import Field

from machines.kernel.event import Facts, Story
from machines.kernel.money import Currency
from machines.messages import Buyer

BEST = 5  #: stars


class Terms(Facts):
    """A score of ``low_score`` or less opens a complaint."""

    low_score: int = Field(default=2, ge=0, lt=BEST, description="stars of 5")


class Survey(Facts):
    survey: str
    about: str
    channel: str
    customer: str
    buyer: Buyer
    locale: str
    currency: Currency
    low_score: int
    order: str | None = None
    score: int | None = None
    words: Story | None = None

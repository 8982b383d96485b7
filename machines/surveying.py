"""How a procedure has its customer asked for an opinion: one survey for each time that a case ends well.

    DELIVERED = End("delivered", ..., sends=survey(of="order", about=lambda order: order.order))

The data of such a case say whom to ask: ``customer``, ``buyer``, ``locale``, ``currency`` and ``channel``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from machines.between import SurveyCalledOff, SurveyRequested
from machines.kernel.case import case_id
from machines.kernel.rule import Send
from machines.messages import Buyer


class Served(Protocol):
    """What a case must know about its customer."""

    @property
    def customer(self) -> str: ...
    @property
    def buyer(self) -> Buyer: ...
    @property
    def locale(self) -> str: ...
    @property
    def currency(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def order(self) -> str | None: ...


S = TypeVar("S", bound=Served)


def survey_key(sop: str, key: str, *, time: int = 1) -> str:
    """``order-SO-1001``; the second time that the same case ends well, ``order-SO-1001-2``."""
    return f"{sop}-{key}" + (f"-{time}" if time > 1 else "")


def survey(
    *, of: str, about: Callable[[S], str], time: Callable[[S], int] = lambda _: 1
) -> Callable[[S], Iterable[Send]]:
    """What an end ``sends`` so that its customer is surveyed: ``of`` is the procedure, ``about(data)`` the
    key of the case. The survey goes its own way; the case that has ended does not wait for it."""

    def sends(served: S) -> Iterable[Send]:
        key = about(served)
        request = SurveyRequested(
            survey=survey_key(of, key, time=time(served)),
            about=case_id(of, key),
            channel=served.channel,
            customer=served.customer,
            buyer=served.buyer,
            locale=served.locale,
            currency=served.currency,
            order=served.order,
        )
        yield Send(request, to=("survey", request.survey), apart=True)

    return sends


def call_off(*, of: str, key: str, time: int) -> Send:
    """No survey after all: the case is open again."""
    name = survey_key(of, key, time=time)
    return Send(SurveyCalledOff(survey=name), to=("survey", name), apart=True)

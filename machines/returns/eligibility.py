"""The return policy as one object: may these goods come back, until when, for how much, and why.

``assess`` is pure and gives one explained ``Answer``, which the procedure, its messages, its journal, the web
and the ``sop`` command all use. Windows count whole days from the day of delivery; days begin and end in the
time zone of the house.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime

from machines.kernel.event import Facts
from machines.kernel.money import Amount, Currency, Money, exponent
from machines.returning import Reason, Sold
from machines.returns.terms import Exclusion, Group, Terms, next_working_day

WITHDRAWAL_DAYS = 14  #: Directive 2011/83/EU, Article 9; from the day on which the last of the goods came
REFUND_DAYS = 14  #: Directive 2011/83/EU, Article 13(1), from the notice
OUR_FAULT = (Reason.DEFECTIVE, Reason.DAMAGED, Reason.WRONG_ITEM, Reason.NOT_AS_DESCRIBED)

# Directive 2011/83/EU, Article 16 (d) and (e): no right of withdrawal.
UNWITHDRAWABLE = (Exclusion.HYGIENE, Exclusion.PERISHABLE)


class Ground(StrEnum):
    """What an answer rests on, in words for messages."""

    BY_LAW = "the law gives you 14 days from delivery"
    IN_TIME = "it is within our time for returns"
    TOO_LATE = "the time for returns is over"
    FINAL_SALE = "it was sold as a final sale"
    HYGIENE = "it cannot be sold again for reasons of hygiene"
    PERISHABLE = "it does not keep"
    OVERRIDDEN = "we have made an exception for you"
    ON_APPEAL = "we have looked at it again, and you are right"


EXCLUDED = {
    Exclusion.FINAL_SALE: Ground.FINAL_SALE,
    Exclusion.HYGIENE: Ground.HYGIENE,
    Exclusion.PERISHABLE: Ground.PERISHABLE,
}
WHY_EXCLUDED = {
    Exclusion.FINAL_SALE: "was sold as a final sale",
    Exclusion.HYGIENE: "cannot be sold again for reasons of hygiene",
    Exclusion.PERISHABLE: "does not keep",
}


class Ruling(StrEnum):
    ALLOWED = "allowed"
    WITH_FEE = "allowed with fee"
    DECLINED = "declined"


class Question(Facts):
    """What is to come back, from where, when it was delivered, and why it comes back."""

    items: tuple[Sold, ...]
    country: str
    currency: Currency
    delivered: AwareDatetime
    reason: Reason = Reason.CHANGED_MIND
    delivery_costs: Amount = 0


class LineAnswer(Facts):
    """``refund`` is what one piece gives back, after a restocking fee of ``fee_percent``."""

    sku: str
    quantity: int
    group: str
    ruling: Ruling
    last_day: date
    statutory: bool
    fee_percent: int
    refund: int
    ground: Ground
    because: str


class Answer(Facts):
    """Amounts are minor units. ``statutory``: the customer withdraws by law, so that no fee is taken and
    ``refund_by`` is the law's. ``keep``: the goods need not be sent."""

    ruling: Ruling
    reasons: tuple[str, ...]
    alternatives: tuple[str, ...] = ()
    delivered: date
    last_day: date
    days_left: int
    currency: Currency
    fee: int
    delivery_costs: int
    refund: int
    statutory: bool
    refund_by: datetime | None = None
    keep: bool = False
    lines: tuple[LineAnswer, ...]

    @property
    def explained(self) -> str:
        """In one line, for the journal."""
        return f"{self.ruling}: {'; '.join(self.reasons)}"

    def facts(self) -> dict[str, str]:
        """For messages: of the lines that decided, the articles, the ground and the last day."""
        telling = [line for line in self.lines if line.ruling is self.ruling] or list(self.lines)
        excluded = bool(telling) and telling[0].ground in EXCLUDED.values()
        return {
            "ruling": self.ruling,
            "articles": ", ".join(line.sku for line in telling),
            "ground": telling[0].ground if telling else "",
            "delivered": self.delivered.isoformat(),
            "last_day": "" if excluded else self.last_day.isoformat(),
            "fee": str(Money(amount=self.fee, currency=self.currency)) if self.fee else "",
            "refund": str(Money(amount=self.refund, currency=self.currency)),
        }


def assess(question: Question, *, terms: Terms, now: datetime) -> Answer:
    """What the policy says at ``now`` (aware). The goods come back together: where one line is declined, all
    are, with the advice to ask again without it."""
    zone = ZoneInfo(terms.zone)
    delivered, today = question.delivered.astimezone(zone).date(), now.astimezone(zone).date()
    lines = tuple(_line(item, question, terms, delivered, today) for item in question.items)
    ruling = max((line.ruling for line in lines), key=list(Ruling).index, default=Ruling.DECLINED)
    statutory = bool(lines) and all(line.statutory for line in lines)
    value = sum(item.price * item.quantity for item in question.items)
    goods = sum(line.refund * line.quantity for line in lines)
    costs = question.delivery_costs if statutory or question.reason in OUR_FAULT else 0
    declined = ruling is Ruling.DECLINED
    last_day = min((line.last_day for line in lines), default=delivered)
    small = terms.keep_below * 10 ** exponent(question.currency)
    return Answer(
        ruling=ruling,
        reasons=_reasons(lines, ruling),
        alternatives=_alternatives(question, lines) if declined else (),
        delivered=delivered,
        last_day=last_day,
        days_left=max(0, (last_day - today).days),
        currency=question.currency,
        fee=0 if declined else value - goods,
        delivery_costs=0 if declined else costs,
        refund=0 if declined else goods + costs,
        statutory=statutory,
        refund_by=now + timedelta(days=REFUND_DAYS) if statutory else None,
        keep=not declined and question.reason in OUR_FAULT and goods < small,
        lines=lines,
    )


def _line(item: Sold, question: Question, terms: Terms, delivered: date, today: date) -> LineAnswer:
    group = terms.group(item.sku)
    fault = question.reason in OUR_FAULT
    house = terms.window_days_for(group, question.country)
    last_day = delivered + timedelta(days=house)
    by_law = _withdrawable_until(group, question.country, terms, delivered)
    statutory = not fault and by_law is not None and today <= by_law
    fee = 0 if fault or statutory else terms.fee_for(group)
    ruling = Ruling.WITH_FEE if fee else Ruling.ALLOWED
    ground = Ground.IN_TIME
    if statutory and by_law is not None:
        ground = Ground.BY_LAW
        because = f"{item.sku} may be withdrawn from until {by_law}, {WITHDRAWAL_DAYS} days from delivery"
        last_day = max(last_day, by_law) if group.excluded is None else by_law
    elif group.excluded and not fault:
        ruling, ground = Ruling.DECLINED, EXCLUDED[group.excluded]
        because = f"{item.sku} {WHY_EXCLUDED[group.excluded]}"
        last_day = delivered
    elif today > last_day:
        ruling, ground = Ruling.DECLINED, Ground.TOO_LATE
        because = f"{item.sku} could be returned until {last_day}, {house} days from delivery"
    elif fee:
        because = f"{item.sku} may be returned until {last_day}, less a restocking fee of {fee} %"
    else:
        because = f"{item.sku} may be returned until {last_day}, {house} days from delivery"
    return LineAnswer(
        sku=item.sku,
        quantity=item.quantity,
        group=group.name,
        ruling=ruling,
        last_day=last_day,
        statutory=statutory,
        fee_percent=0 if ruling is Ruling.DECLINED else fee,
        refund=0 if ruling is Ruling.DECLINED else item.price - item.price * fee // 100,
        ground=ground,
        because=because,
    )


def _withdrawable_until(group: Group, country: str, terms: Terms, delivered: date) -> date | None:
    """The last day of the withdrawal by law, if there is one; a day off is followed by the next working day
    (Regulation 1182/71, Article 3(4))."""
    if country not in terms.withdrawal_countries or group.excluded in UNWITHDRAWABLE:
        return None
    return next_working_day(delivered + timedelta(days=WITHDRAWAL_DAYS), country=country)


def _reasons(lines: tuple[LineAnswer, ...], ruling: Ruling) -> tuple[str, ...]:
    """Of a refusal only what it rests on, else what is said of each line."""
    telling = (line for line in lines if ruling is not Ruling.DECLINED or line.ruling is ruling)
    return tuple(dict.fromkeys(line.because for line in telling)) or ("nothing is to come back",)


def _alternatives(question: Question, lines: tuple[LineAnswer, ...]) -> tuple[str, ...]:
    declined = [line.sku for line in lines if line.ruling is Ruling.DECLINED]
    found = []
    if len(declined) < len(lines):
        found.append(f"return the rest without {', '.join(declined)}")
    if question.reason in OUR_FAULT:
        found.append("a claim under the legal guarantee")
    else:
        found.append("if something is wrong with the goods, say what")
    return (*found, "ask us to look at it again (a complaint)")

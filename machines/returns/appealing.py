"""Rules for an appeal against our answer, and for how it ends.

The appeal is a complaint: somebody who was not involved looks at our answer. What the complaint brings the
return gives, as far as its order covers it, and once; a return that was over is opened for that.
"""

from __future__ import annotations

from machines.complaining import AppealDecided, Relief
from machines.kernel.rule import defer, ignore, note, on, refuse
from machines.returning import ReturnCovered
from machines.returns import awarding, deadlines, effects, events, guards, letters, paying, states
from machines.returns.effects import explained
from machines.returns.sending import (
    bar,
    bar_uncovered,
    grant,
    grant_what_is_allowed,
    open_complaint,
    reopen,
    request_refund,
)

APPEALED = (states.TURNED_DOWN, states.REJECTED, states.WITHHELD)  #: over, and yet to be appealed against
ALLOWED = states.besides(*states.REFUSED, states.COVERING, *states.ENDED)

APPEAL = (
    on(
        events.ReturnAppealed,
        at=states.DECLINED,
        to=states.UNDER_APPEAL,
        when=guards.may_appeal,
        then=effects.appeal,
        sends=open_complaint,
    ),
    on(
        events.ReturnAppealed,
        at=APPEALED,
        when=guards.may_appeal,
        then=effects.appeal,
        sends=open_complaint,
    ),
    on(deadlines.RULING_DUE, at=states.UNDER_APPEAL, to=states.TURNED_DOWN),
    ignore(
        events.ReturnAppealed,
        at=states.UNDER_APPEAL,
        because="a complaint is open about it already, and what is new is told there",
    ),
    refuse(
        events.ReturnAppealed,
        at=states.besides(*states.REFUSED, *APPEALED),
        because="nothing was declined here; whatever else is amiss is for a complaint",
    ),
)

# The answer was wrong, as far as the ruling says: the goods may come back, or the customer has the money or a
# replacement without that. Where it stands, the return ends, or stays ended, as it was.
RULING = (
    on(
        AppealDecided,
        at=states.UNDER_APPEAL,
        to=states.AUTHORISING,
        when=guards.awards(Relief.RETURN),
        then=awarding.award,
        sends=grant,
        explains=explained,
    ),
    on(
        AppealDecided,
        at=states.UNDER_APPEAL,
        to=states.MONEY_STANDS,
        when=guards.awards_refund,
        then=awarding.award_and_owe,
        does=(letters.TELL_APPEAL_UPHELD,),
        sends=request_refund,
    ),
    on(
        AppealDecided,
        at=states.UNDER_APPEAL,
        to=states.SETTING_ASIDE,
        when=guards.awards(Relief.REPLACEMENT),
        then=awarding.award,
        does=(letters.TELL_APPEAL_UPHELD,),
        sends=grant,
        explains=explained,
    ),
    on(AppealDecided, at=states.UNDER_APPEAL, to=states.TURNED_DOWN, then=awarding.note_ruling, sends=bar),
    on(
        AppealDecided,
        at=APPEALED,
        to=states.COVERING,
        when=guards.awards_something,
        then=awarding.award_and_reopen,
        sends=reopen,
    ),
    on(
        AppealDecided,
        at=APPEALED,
        when=guards.new_ruling,
        then=awarding.note_ruling,
        does=(letters.TELL_APPEAL_STANDS,),
    ),
    defer(AppealDecided, at=states.COVERING, because="the order is being asked what can be paid back"),
    on(
        AppealDecided,
        at=ALLOWED,
        when=guards.awards(Relief.RETURN),
        sends=grant_what_is_allowed,
        because="it is allowed",
    ),
    on(
        AppealDecided,
        at=states.besides(states.COVERING),
        when=guards.awards_something,
        sends=bar,
        because="the return has moved on",
    ),
    note(
        AppealDecided,
        at=states.besides(states.COVERING),
        because="the appeal changes nothing about this return",
    ),
)

# The order has said what can still go back for a return that an appeal has opened once more.
COVERED = (
    on(
        ReturnCovered,
        at=states.COVERING,
        to=states.AUTHORISING,
        when=guards.covers(Relief.RETURN),
        then=paying.cover,
        sends=grant,
    ),
    on(
        ReturnCovered,
        at=states.COVERING,
        to=states.MONEY_STANDS,
        when=guards.covers(Relief.REFUND),
        then=awarding.cover_and_owe,
        does=(letters.TELL_APPEAL_UPHELD,),
        sends=request_refund,
    ),
    on(
        ReturnCovered,
        at=states.COVERING,
        to=states.SETTING_ASIDE,
        when=guards.covers(Relief.REPLACEMENT),
        then=paying.cover,
        does=(letters.TELL_APPEAL_UPHELD,),
        sends=grant,
    ),
    on(
        ReturnCovered,
        at=states.COVERING,
        to=states.NOT_OWED,
        when=guards.opened_by_appeal,
        then=paying.cover,
        sends=bar_uncovered,
    ),
)

"""The survey procedure, as its owner reads it: asked once, reminded once, never pressed.

It follows every case that ended with a customer served, and no case that was merged or fell silent. A low
score is a complaint that nobody has made yet: it opens one, which has deadlines of its own.
"""

from __future__ import annotations

from machines.between import SurveyCalledOff, SurveyRequested
from machines.kernel.duration import days, hours
from machines.kernel.procedure import Procedure
from machines.kernel.rule import ignore, note, on, refuse
from machines.kernel.state import Ask, Deadline, End, Wait
from machines.messages import MessageSent, MessageUndeliverable
from machines.survey import effects, guards, letters
from machines.survey.data import Survey, Terms
from machines.survey.events import OpinionGiven
from machines.survey.exploring import may_happen

# -- time limits -----------------------------------------------------------------------------------

ASK_AT = Deadline("ask_at", "The customer has had time to look; the survey goes out.", after=hours(24))
REMINDER = Deadline("reminder", "No answer yet; the customer is reminded, once.", after=days(3))
ANSWER_DUE = Deadline("answer_due", "The customer does not answer, and is left in peace.", after=days(14))

# -- states ----------------------------------------------------------------------------------------

REQUESTED = Wait("requested", "A customer has been served.", no_deadline="its first event moves it on")
DUE = Wait("due", "The customer has a day to look at it.", deadlines=(ASK_AT,), fulfils=("IMP-1",))
SENT = Ask(
    "sent",
    "The customer is asked how it was.",
    form=OpinionGiven,
    role="customer",
    does=(letters.ASK_OPINION,),
    deadlines=(REMINDER, ANSWER_DUE),
    fulfils=("IMP-1", "SAT-3"),
)
REMINDED = Ask(
    "reminded",
    "The customer is asked once more.",
    form=OpinionGiven,
    role="customer",
    does=(letters.REMIND,),
    deadlines=(ANSWER_DUE,),
    fulfils=("IMP-1",),
)
ANSWERED = End(
    "answered", "The customer is satisfied.", outcome="satisfied", does=(letters.THANK,), fulfils=("IMP-1",)
)
RECOVERING = End(
    "recovering",
    "The customer is dissatisfied: a complaint is opened, and somebody calls.",
    outcome="dissatisfied",
    does=(letters.APOLOGISE,),
    sends=effects.open_complaint,
    fulfils=("IMP-1", "SAT-2", "SAT-3", "CMP-8"),
)
EXPIRED = End("expired", "The customer did not answer.", outcome="expired")
CALLED_OFF = End("called_off", "The case is open again; it is asked about later.", outcome="called off")

ASKING = (SENT, REMINDED)
ENDED = (ANSWERED, RECOVERING, EXPIRED, CALLED_OFF)
OPENED = (DUE, *ASKING, *ENDED)

# -- rules -----------------------------------------------------------------------------------------

ASKED = (
    on(SurveyRequested, at=REQUESTED, to=DUE, then=effects.request),
    on(ASK_AT, at=DUE, to=SENT),
    on(REMINDER, at=SENT, to=REMINDED),
    on(ANSWER_DUE, at=ASKING, to=EXPIRED),
    on(SurveyCalledOff, at=(DUE, *ASKING), to=CALLED_OFF),
)

ANSWER = (
    on(OpinionGiven, at=ASKING, to=RECOVERING, when=guards.dissatisfied, then=effects.note),
    on(OpinionGiven, at=ASKING, to=ANSWERED, when=guards.by_its_customer, then=effects.note),
)

# Whatever else arrives changes nothing.
OTHERWISE = (
    refuse(OpinionGiven, at=DUE, because="the question has not been asked yet"),
    refuse(OpinionGiven, at=ENDED, because="this survey is closed"),
    ignore(SurveyCalledOff, at=ENDED, because="this survey is closed"),
    ignore(SurveyRequested, at=OPENED, because="this survey is known already; nobody is asked twice"),
    note(MessageSent, at=OPENED, because="the message is on its way"),
    ignore(MessageUndeliverable, at=OPENED, because="nobody is chased for an opinion"),
)


SURVEY = Procedure(
    name="survey",
    title="Satisfaction survey",
    version=1,
    purpose="Learn from every customer served how it was, and make good where it was not.",
    scope="Every case that ended with a customer served; none that was merged or fell silent.",
    responsible="Head of customer service",
    references=("ISO 10004 (monitoring and measuring)", "Satisfaction and etiquette"),
    fulfils=("IMP-1", "SAT-3", "GOV-1"),
    data=Survey,
    events=(SurveyRequested, SurveyCalledOff),
    states=(REQUESTED, *OPENED),
    rules=(*ASKED, *ANSWER, *OTHERWISE),
    may_happen=may_happen,
    module="machines.survey",
    terms=Terms,
    kpis=("share answered", "mean score", "share of low scores made good"),
)

"""The task procedure, as its owner reads it: a department is asked, reminded, and its head called if need be.

A task never decides anything: the case that asked is told what came of it, and may withdraw it at any time.
"""

from __future__ import annotations

from collections.abc import Iterable

from machines.consulting import TaskDone, TaskOpened, TaskOverdue, TaskWithdrawn
from machines.kernel.duration import working_days
from machines.kernel.event import Event
from machines.kernel.procedure import Procedure
from machines.kernel.rule import ignore, note, on, refuse, send_back
from machines.kernel.state import Ask, Deadline, End, Wait
from machines.messages import StaffAlerted
from machines.task import commands, effects
from machines.task.data import Task
from machines.task.events import TaskAnswered


def done(task: Task) -> Event:
    return TaskDone(task=task.task, answer=task.answer)


def overdue(task: Task) -> Event:
    return TaskOverdue(task=task.task)


def department(task: Task) -> str:
    return task.department


def head(task: Task) -> str:
    return f"head of {task.department}"


# -- time limits -----------------------------------------------------------------------------------

REMINDER = Deadline("reminder", "The department is reminded.", after=working_days(1), repeats=True)
ANSWER_DUE = Deadline("answer_due", "No answer came; the head is called.", after=working_days(3))
HEAD_DUE = Deadline(
    "head_due", "The head has not answered; the head is called again.", after=working_days(1), repeats=True
)

# -- states ----------------------------------------------------------------------------------------

OPENED = Wait("opened", "A question comes up.", no_deadline="its first event moves it on")
ASKED = Ask(
    "asked",
    "A department looks into the question.",
    form=TaskAnswered,
    role="department",
    whom=department,
    does=(commands.CALL_DEPARTMENT,),
    deadlines=(REMINDER, ANSWER_DUE),
    fulfils=("CMP-3",),
)
ESCALATED = Ask(
    "escalated",
    "The department was late; its head sees to the answer.",
    form=TaskAnswered,
    role="head of department",
    whom=head,
    does=(commands.CALL_HEAD,),
    deadlines=(HEAD_DUE,),
    reports=overdue,
    fulfils=("CMP-3", "CMP-7"),
)
ANSWERED = End("answered", "The answer is there.", outcome="answered", reports=done, fulfils=("CMP-3",))
WITHDRAWN = End(
    "withdrawn",
    "Nobody needs the answer any more.",
    outcome="withdrawn",
    does=(commands.CALL_OFF,),
    silent="whoever asked has taken it back",
)

ASKING = (ASKED, ESCALATED)
ENDED = (ANSWERED, WITHDRAWN)
EVERYWHERE = (*ASKING, *ENDED)

# -- rules -----------------------------------------------------------------------------------------

RULES = (
    on(TaskOpened, at=OPENED, to=ASKED, then=effects.open_task),
    on(TaskAnswered, at=ASKING, to=ANSWERED, then=effects.answer),
    on(TaskWithdrawn, at=ASKING, to=WITHDRAWN),
    on(REMINDER, at=ASKED, does=(commands.REMIND_DEPARTMENT,)),
    on(ANSWER_DUE, at=ASKED, to=ESCALATED),
    on(HEAD_DUE, at=ESCALATED, does=(commands.CALL_HEAD,)),
    send_back(at=ESCALATED, to=ASKED, because="the head gives it back to the department"),
    refuse(TaskAnswered, at=ENDED, because="this question is closed"),
    ignore(TaskWithdrawn, at=ENDED, because="this question is closed"),
    ignore(TaskOpened, at=EVERYWHERE, because="this question is known already"),
    note(StaffAlerted, at=EVERYWHERE, because="a colleague has been called"),
)


def may_happen(_: Task) -> Iterable[Event]:
    yield TaskAnswered(by="w.stone", answer="The box had no filling.")


TASK = Procedure(
    name="task",
    title="Question to a department",
    version=1,
    purpose="Get one question answered by the department that knows, in time.",
    scope="Every question that a complaint or another case puts to a department.",
    responsible="Head of customer service",
    references=("Complaint handling",),
    fulfils=("CMP-3", "GOV-1"),
    data=Task,
    events=(TaskOpened, TaskWithdrawn),
    states=(OPENED, *EVERYWHERE),
    rules=RULES,
    may_happen=may_happen,
    module="machines.task",
    kpis=("share answered within three working days", "working hours from question to answer"),
)

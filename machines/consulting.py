"""How a case consults a department: it opens a task, and is told the answer or that none came in time."""

from __future__ import annotations

from machines.between import Between
from machines.kernel.event import Key, Text


class TaskOpened(Between, type="task.opened", opens=True, key="task"):
    """A department is asked a question on behalf of the case ``about``."""

    task: str
    about: str
    department: Key
    question: Text

    examples = (
        {
            "task": "CP-1001-T1",
            "about": "CP-1001",
            "department": "warehouse",
            "question": "How was the parcel packed?",
        },
    )


class TaskWithdrawn(Between, type="task.withdrawn", key="task"):
    """Nobody needs the answer any more."""

    task: str


class TaskDone(Between, type="task.done"):
    """The department has answered."""

    task: str
    answer: Text = ""


class TaskOverdue(Between, type="task.overdue"):
    """The department has not answered in time; its head has been asked."""

    task: str

"""What an event changes in what a task knows."""

from __future__ import annotations

from datetime import datetime

from machines.consulting import TaskOpened
from machines.task.data import Task
from machines.task.events import TaskAnswered


def open_task(_: object, event: TaskOpened, __: datetime) -> Task:
    return Task(task=event.task, about=event.about, department=event.department, question=event.question)


def answer(task: Task, event: TaskAnswered, _: datetime) -> Task:
    return task.model_copy(update={"answer": event.answer})

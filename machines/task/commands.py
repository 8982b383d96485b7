"""Whom a task calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from machines.kernel.command import CommandType
from machines.kernel.event import Event
from machines.messages import Alert, alert
from machines.task.data import Task


def _call(subject: str, *, role: Callable[[Task], str]) -> CommandType:
    def arguments(task: Task, _: Event) -> Iterable[Alert]:
        yield Alert(role=role(task), about=task.task, subject=subject)

    return alert(arguments=arguments, fulfils=("CMP-3",))


def _head(task: Task) -> str:
    return f"head of {task.department}"


CALL_DEPARTMENT = _call("a question waits for an answer", role=lambda task: task.department)
REMIND_DEPARTMENT = _call("a question still waits for an answer", role=lambda task: task.department)
CALL_HEAD = _call("a question was not answered in time", role=_head)
CALL_OFF = _call("a question needs no answer any more", role=lambda task: task.department)

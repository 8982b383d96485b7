"""What a task knows: who asks which department what, and what the answer was."""

from __future__ import annotations

from machines.kernel.event import Facts, Key, Text


class Task(Facts):
    task: str
    about: str
    department: Key
    question: Text
    answer: Text = ""

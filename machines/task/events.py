"""What can happen to a task besides being opened and withdrawn."""

from __future__ import annotations

from machines.kernel.event import Event, Key, Text


class TaskAnswered(Event, type="task.answered"):
    """The department has looked into the question."""

    by: Key
    answer: Text

    examples = ({"by": "w.stone", "answer": "The box had no filling; it left by hand-over at 16:00."},)

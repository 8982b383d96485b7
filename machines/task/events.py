"""What can happen to a task besides being opened and withdrawn."""

from __future__ import annotations

from pydantic import Field

from machines.kernel.event import Event, Name, Text


class TaskAnswered(Event, type="task.answered"):
    """The department has looked into the question."""

    by: Name
    answer: Text = Field(min_length=1, description="What the department has found out.")

    examples = ({"by": "w.stone", "answer": "The box had no filling; it left by hand-over at 16:00."},)

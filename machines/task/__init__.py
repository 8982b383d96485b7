"""The task procedure: one department answers one question in time."""

from machines.task.procedure import TASK

__all__ = ["TASK"]

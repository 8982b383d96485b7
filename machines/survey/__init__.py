"""The survey procedure: a customer who was served is asked how it was, once and briefly."""

from machines.survey.procedure import SURVEY

__all__ = ["SURVEY"]

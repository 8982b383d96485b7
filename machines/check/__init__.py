"""Exhaustive check of procedures: runs ``decide`` through every situation that a case can get into."""

from machines.check.checking import check, judge, tasks, walk
from machines.check.report import Explored, Finding, Kind, Report, Walked
from machines.check.scope import Scope

__all__ = ["Explored", "Finding", "Kind", "Report", "Scope", "Walked", "check", "judge", "tasks", "walk"]

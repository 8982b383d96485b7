"""The complaint procedure: its header, and its rules in the order in which complaints live.

Read ``states.py`` for where a complaint can stand, ``clocks.py`` for how much time it may take. Each rule in
``handling``, ``resolving`` and ``changing`` then says: on this event, when the complaint stands there, it
goes to that state if the guard allows; the effect notes what is new; others are asked and told.
"""

from __future__ import annotations

from machines.between import ParcelCancelled, ParcelDelivered, ParcelDispatched, ParcelFailed
from machines.complaining import (
    AppealBarred,
    AppealGranted,
    ComplaintOpened,
    DuplicateFound,
    MergeAgreed,
    MergeAsked,
    MergeDeclined,
)
from machines.complaint import changing, events, handling, merging, resolving, states
from machines.complaint.clocks import CLOCKS
from machines.complaint.data import Complaint, Terms
from machines.complaint.exploring import may_happen
from machines.consulting import TaskDone, TaskOverdue
from machines.kernel.procedure import Procedure
from machines.redress import RedressAvailable, RedressFailed, RedressSettled

COMPLAINT = Procedure(
    name="complaint",
    title="Complaint handling",
    version=1,
    purpose="Hear every complaint, find its cause, make good what went wrong, and answer in time.",
    scope="All complaints of all channels, and every customer whom a survey finds dissatisfied.",
    responsible="Head of complaints",
    references=("ISO 10002:2018 (handling of complaints)", "FCA DISP 1.5 and 1.6"),
    fulfils=("CMP-5", "SAT-1", "GOV-1"),
    data=Complaint,
    events=(
        events.ComplaintReceived,
        ComplaintOpened,
        events.CustomerWrote,
        events.ComplaintWithdrawn,
        events.ComplaintReopened,
        events.ComplaintAssigned,
        events.EscalationTaken,
        events.DepartmentConsulted,
        events.InformationNeeded,
        events.ThirdPartyAnswered,
        events.SpecialistCalled,
        events.HazardFound,
        events.ComplaintMerged,
        events.ReferredOutside,
        events.OutsideDecision,
        MergeAsked,
        MergeAgreed,
        MergeDeclined,
        DuplicateFound,
        TaskDone,
        TaskOverdue,
        RedressAvailable,
        RedressSettled,
        RedressFailed,
        AppealGranted,
        AppealBarred,
        ParcelDispatched,
        ParcelDelivered,
        ParcelFailed,
        ParcelCancelled,
    ),
    states=states.EVERYWHERE,
    rules=(
        *handling.RECEPTION,
        *handling.HAZARD,
        *handling.INVESTIGATION,
        *handling.INFORMATION,
        *resolving.OFFER,
        *resolving.ANSWER,
        *resolving.REDRESS,
        *resolving.CLOSING,
        *changing.PEOPLE,
        *changing.WITHDRAWING,
        *merging.MERGING,
        *changing.REOPENING,
        *changing.OMBUDSMAN,
        *changing.SERVICE_LEVELS,
        *changing.OTHERWISE,
    ),
    may_happen=may_happen,
    module="machines.complaint",
    terms=Terms,
    clocks=CLOCKS,
    kpis=(
        "share acknowledged within one working day",
        "share resolved within their budget",
        "share answered within eight weeks (all of them)",
        "share settled with the first offer",
        "share reopened or taken to the ombudsman",
    ),
)

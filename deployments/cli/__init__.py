"""The ``sop`` command: every process, every question and every remedy of the product."""

from __future__ import annotations

import logging

import typer

from deployments.cli.cases import cases, show
from deployments.cli.commands import commands
from deployments.cli.doctor import doctor
from deployments.cli.events import events
from deployments.cli.explain import explain, retime
from deployments.cli.handbook import approve, handbook
from deployments.cli.housekeeping import housekeeping
from deployments.cli.letters import letter, letters, resend
from deployments.cli.migrate import migrate
from deployments.cli.notify import notify
from deployments.cli.procedures import check, simulate
from deployments.cli.questions import answer, asks, token
from deployments.cli.report import report
from deployments.cli.return_policy import return_policy
from deployments.cli.runbook import runbook
from deployments.cli.send import send
from deployments.cli.serve import up, web, worker
from deployments.cli.steering import assign, cancel, hold, note, resume
from deployments.cli.steps import replay, retry, send_back, skip, steps
from deployments.cli.subscriptions import subscribe, subscriptions
from deployments.cli.words import words

app = typer.Typer(
    name="sop",
    help="Customer-service procedures as durable state machines, driven by Prefect flows.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
_RUNNING = (up, worker, web, retime, doctor, notify, housekeeping, runbook)
_LETTERS = (events, send, letters, letter, resend, subscribe)
_CASES = (cases, show, words, explain, asks, answer, token, report)
_STEPS = (steps, replay, skip, retry, send_back)
_STEERING = (hold, resume, cancel, note, assign)
_PROCEDURES = (commands, check, simulate, return_policy, handbook, approve, migrate)
for command in (*_RUNNING, *_LETTERS, *_CASES, *_STEPS, *_STEERING, *_PROCEDURES):
    # Typer keeps the line ends of a docstring.
    app.command(help=" ".join((command.__doc__ or "").split()))(command)
app.add_typer(subscriptions, name="subscriptions")


def main() -> None:
    logging.getLogger("transitions").setLevel(logging.WARNING)
    app()

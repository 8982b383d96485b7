"""The ``sop`` command: every process, every question and every remedy of the product."""

from __future__ import annotations

import logging

import typer

from deployments.cli.cases import cases, show
from deployments.cli.doctor import doctor
from deployments.cli.events import send
from deployments.cli.explain import explain, retime
from deployments.cli.handbook import approve, handbook
from deployments.cli.letters import letters
from deployments.cli.migrate import migrate
from deployments.cli.procedures import check, simulate
from deployments.cli.questions import answer, asks, token
from deployments.cli.return_policy import return_policy
from deployments.cli.runbook import runbook
from deployments.cli.serve import up, web, worker
from deployments.cli.steps import replay, retry, send_back, skip, steps

app = typer.Typer(
    name="sop",
    help="Customer-service procedures as durable state machines, driven by Prefect flows.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
_RUNNING = (up, worker, web, retime, doctor, runbook)
_CASES = (send, cases, show, explain, asks, answer, token, steps, replay, skip, retry, send_back, letters)
_PROCEDURES = (check, simulate, return_policy, handbook, approve, migrate)
for command in (*_RUNNING, *_CASES, *_PROCEDURES):
    app.command()(command)


def main() -> None:
    logging.getLogger("transitions").setLevel(logging.WARNING)
    app()

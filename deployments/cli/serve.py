"""``sop up`` runs everything on one machine; ``sop worker`` and ``sop web`` are its two processes of ours."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from deployments.cli.output import AsJson, plain_errors
from deployments.settings import Settings

EXAMPLE_DAY = Path(__file__).parents[2] / "examples" / "day.jsonl"


def up(
    *,
    example: Annotated[
        bool, typer.Option("--example", help="Feed the example day of orders, returns and complaints.")
    ] = False,
    seconds: Annotated[float, typer.Option(help="How long the example day takes.")] = 60.0,
    exit_when_idle: Annotated[
        bool, typer.Option("--exit-when-idle", help="Stop when nothing is left to do.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Start Prefect's server, a worker and the web intake; stay up until Ctrl-C, then stop all of it."""
    from deployments.up import Up

    with plain_errors():
        day = EXAMPLE_DAY if example else None
        status = Up(
            Settings(), day=day, seconds=seconds, exit_when_idle=exit_when_idle, as_json=as_json
        ).run()
    raise typer.Exit(status)


def worker() -> None:
    """Drive cases and serve Prefect's work pool, until SIGTERM or Ctrl-C."""
    with plain_errors():
        settings = Settings()
    _log_to_stderr(settings)
    # Prefect reads these when it is imported. Ours wins over what the person's own Prefect is set to.
    if settings.prefect_api_url or "PREFECT_API_URL" not in os.environ:
        os.environ["PREFECT_API_URL"] = settings.prefect_url
    os.environ.setdefault("PREFECT_HOME", str((settings.home / "prefect-client").resolve()))
    os.environ.setdefault("DO_NOT_TRACK", "1")
    from deployments.memory import collect_seldom, giving_back
    from deployments.registration import register
    from deployments.worker import run_worker

    collect_seldom()
    with plain_errors(), giving_back():
        asyncio.run(run_worker(register=register))


def web() -> None:
    """Take events in over HTTP; API documents at /docs."""
    import uvicorn

    from adapters.return_policy import add_return_policy
    from adapters.signatures import SourceKeys
    from adapters.web import create_app
    from deployments.bootstrap import open_application
    from deployments.notifying import looking, notifying
    from deployments.providers import add_webhooks

    with plain_errors():
        settings = Settings()
    _log_to_stderr(settings)
    with plain_errors(), open_application(settings) as app:
        keys = {
            source: [key.get_secret_value() for key in keys] for source, keys in settings.source_keys.items()
        }
        api = create_app(
            app.intake,
            store=app.store,
            explain=app.explain,
            body_limit=settings.body_limit,
            rate_limit=settings.rate_limit,
            keys=SourceKeys(keys, unsigned=settings.unsigned_sources, clock=app.clock),
            page=app.page,
        )
        add_webhooks(api, settings, intake=app.intake)
        add_return_policy(api, terms=app.return_terms, clock=app.clock)
        with looking(settings, notifying(settings, app.store, clock=app.clock)):
            uvicorn.run(
                api, host=settings.web_host, port=settings.web_port, log_level="warning", access_log=False
            )


def _log_to_stderr(settings: Settings) -> None:
    logging.basicConfig(
        stream=sys.stderr, level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    for noisy in ("httpx", "httpcore", "transitions"):
        logging.getLogger(noisy).setLevel(logging.WARNING)

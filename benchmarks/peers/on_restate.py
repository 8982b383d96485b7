"""Orders as Restate workflows: a durable step for each command, a promise for each event, raced with a timer.

The server writes its log with fsync, as it does by default; events come in over its HTTP ingress.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from http.client import HTTPConnection, HTTPResponse
from importlib.metadata import version
from pathlib import Path
from urllib.request import Request, urlopen

import restate

from benchmarks.peers import work

SENDERS = 16

workflow = restate.Workflow("Order")


@workflow.main()
async def run(ctx: restate.WorkflowContext, data: dict[str, object]) -> str:
    for command in work.ON_PLACED:
        await ctx.run_typed(command, partial(work.perform, command, key=ctx.key(), data=data))
    if not await _heard(ctx, "dispatched", work.DISPATCH_DUE):
        return "overdue"
    for command in work.ON_DISPATCHED:
        await ctx.run_typed(command, partial(work.perform, command, key=ctx.key(), data=data))
    if not await _heard(ctx, "delivered", work.NO_SCAN):
        return "lost"
    return "delivered"


@workflow.handler()
async def happened(ctx: restate.WorkflowSharedContext, event: str) -> None:
    await ctx.promise(event, type_hint=bool).resolve(True)


async def _heard(ctx: restate.WorkflowContext, event: str, seconds: int) -> bool:
    first, _ = await restate.select(
        event=ctx.promise(event, type_hint=bool).value(), due=ctx.sleep(timedelta(seconds=seconds))
    )
    return bool(first == "event")


app = restate.app([workflow])


def main() -> None:
    given = work.given()
    program = os.environ["RESTATE_SERVER"]
    ingress, admin, node, service = work.free_ports(4)
    with ExitStack() as stack:
        environment = os.environ | {
            "RESTATE_INGRESS__BIND_PORT": str(ingress),
            "RESTATE_ADMIN__BIND_PORT": str(admin),
            "RESTATE_BIND_PORT": str(node),
            "RESTATE_BIND_IP": "127.0.0.1",
            "RESTATE_DISABLE_TELEMETRY": "true",
        }
        server = [program, "--no-logo", "--listen-mode", "tcp", "--base-dir", str(given.folder / "restate")]
        _start(stack, server, environment, given.folder / "restate.log")
        bind = ["--bind", f"127.0.0.1:{service}", "--workers", "2", "--log-level", "warning"]
        served = [sys.executable, "-m", "hypercorn", *bind, "benchmarks.peers.on_restate:app"]
        _start(stack, served, dict(os.environ), given.folder / "service.log")
        _register(admin, service)
        said = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=True
        ).stdout.split()
        work.timed(
            given.n,
            partial(_run, ingress),
            version=f"{said[1]}, SDK {version('restate-sdk')}",
        )


def _run(ingress: int, keys: Sequence[str]) -> None:
    local = threading.local()

    def ask(method: str, path: str, content: object = None, key: str | None = None) -> object:
        if not hasattr(local, "connection"):
            local.connection = HTTPConnection("127.0.0.1", ingress, timeout=600)
        headers = {"content-type": "application/json"} | ({"idempotency-key": key} if key else {})
        local.connection.request(method, path, json.dumps(content) if content else None, headers)
        answer: HTTPResponse = local.connection.getresponse()
        said = answer.read()
        assert answer.status < 300, said
        return json.loads(said)

    def place(key: str) -> None:
        ask("POST", f"/Order/{key}/run/send", work.order(key))

    def tell(event: str, key: str) -> None:
        ask("POST", f"/Order/{key}/happened/send", event, f"{event}/{key}")

    with ThreadPoolExecutor(SENDERS) as senders:
        list(senders.map(place, keys))
        for event in ("dispatched", "delivered"):
            list(senders.map(partial(tell, event), keys))
        ends = set(senders.map(lambda key: ask("GET", f"/restate/workflow/Order/{key}/attach"), keys))
    assert ends == {"delivered"}, ends


def _start(stack: ExitStack, command: list[str], environment: dict[str, str], log: Path) -> None:
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    stack.enter_context(process)
    stack.callback(process.terminate)


def _register(admin: int, service: int) -> None:
    """Tell the server where the workflow runs, as soon as both answer."""
    request = Request(
        f"http://127.0.0.1:{admin}/deployments",
        json.dumps({"uri": f"http://127.0.0.1:{service}"}).encode(),
        {"content-type": "application/json"},
    )
    until = time.monotonic() + 60
    while True:
        try:
            urlopen(request, timeout=20).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


if __name__ == "__main__":
    main()

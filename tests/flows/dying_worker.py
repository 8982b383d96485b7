"""A worker to be killed while it takes an answer: ``mute`` has not put it in the inbox yet, ``deaf`` has, and
nobody decides about it. Writes a line when it has got that far."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from adapters.asking.answers import Answer, Answers
from deployments.registration import register
from deployments.worker import run_worker
from flows import desk
from flows.oncall import OnCall
from flows.owner import Owner
from flows.running import Running
from flows.watching import Watching
from tests.asking import open_office


class Mute(Answers):
    def give_to(
        self, id: str, values: Mapping[str, object], *, source: str, letter: str, who: str = ""
    ) -> Answer:
        sys.stdout.write("answering\n")
        sys.stdout.flush()
        time.sleep(300)
        raise AssertionError("should be dead by now")


OWNER = Owner(worker="test", installation="test")


def main(kind: str, folder: str) -> None:
    too_late = threading.Timer(120, os._exit, (1,))  # rather than to keep a test waiting for ever
    too_late.daemon = True
    too_late.start()
    with open_office(Path(folder), driving=False) as office:
        answers = office.answers
        answers.patience = 300
        if kind == "mute":
            answers = Mute(office.questions, intake=office.intake, store=office.store)

        @asynccontextmanager
        async def opened() -> AsyncIterator[Running]:
            watching = Watching(office.store, owner=OWNER, flows=())
            driver = office.driver(worker="never started")
            yield Running(
                store=office.store,
                driver=driver,
                watching=watching,
                submit=lambda _: {},
                resend=office.resend,
                owner=OWNER,
                on_call=OnCall(office.store, {}, clock=office.clock),
            )

        with desk.install(desk.Desk(office.questions, answers)):
            asyncio.run(run_worker(name=f"dying {kind}", register=register, opening=opened))


if __name__ == "__main__":
    main(*sys.argv[1:])

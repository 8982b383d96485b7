"""A worker without Prefect, as a process of its own that begins a new life whenever it is killed.

Each life is forked from a process that has imported everything, so that it begins within milliseconds; it
writes its process number to standard output when it drives, and ends in good order when standard input
closes.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import nullcontext

from deployments.bootstrap import open_application
from deployments.driving import running_driver, telling
from deployments.settings import Settings

TELL = "tell"  #: as argument: subscribers are told, too


def main() -> None:
    settings = Settings()
    logging.basicConfig(
        stream=sys.stderr, level="INFO", format="%(asctime)s %(process)d %(levelname)s %(name)s %(message)s"
    )
    for noisy in ("alembic", "transitions"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    with open_application(settings):
        """Imports what is imported late; every life opens an application of its own."""
    while True:
        life = os.fork()
        if life == 0:
            live(settings)
        _, status = os.waitpid(life, 0)
        if os.WIFEXITED(status):
            return


def live(settings: Settings) -> None:
    """Never returns: what a process does at its end is for the parent to do."""
    try:
        with open_application(settings) as app, running_driver(app) as driver:
            os.write(1, b"%d\n" % os.getpid())
            with telling(app, driver) if TELL in sys.argv else nullcontext():
                os.read(0, 1)
    except BaseException:
        logging.exception("this life failed")
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main()

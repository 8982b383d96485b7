"""Where the command ``sop`` begins. Loading all of it takes a second or more: whoever presses Ctrl-C
meanwhile is shown no traceback."""

from __future__ import annotations

import signal


def main() -> None:
    # Nothing needs to be cleared up yet. Where SIGINT is ignored, as in the background, it stays so.
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if interruptible:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from deployments.cli import main as run

    if interruptible:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()

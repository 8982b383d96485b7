"""What worker and web cost while 10,000 orders wait for their carrier and nothing happens.

python -m benchmarks.idle --json
"""

from __future__ import annotations

import argparse
import time

from benchmarks import load
from benchmarks.installation import emit, installation, machine, resident_mb


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=10_000, help="waiting orders")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--json", action="store_true", help="print only the line of JSON")
    given = parser.parse_args()
    with installation(web=True) as running:
        app = running.app
        keys = list(load.keys(given.n))
        for first in range(0, len(keys), 500):
            app.intake.accept([load.placed(key) for key in keys[first : first + 500]])
        while True:
            summary = app.store.summary()
            waiting = summary["cases"].get("order/awaiting_dispatch", 0)
            if waiting >= given.n and not summary["inbox"].get("new"):
                break
            time.sleep(1)
        time.sleep(20)
        before, began = running.cpu(), time.monotonic()
        time.sleep(given.seconds)
        seconds = time.monotonic() - began
        used = {part: after - before[part] for part, after in running.cpu().items()}
        assert running.web is not None
        emit(
            {
                "benchmark": "idle",
                "waiting_orders": given.n,
                "seconds": round(seconds, 1),
                "percent_of_a_core": {part: round(100 * each / seconds, 2) for part, each in used.items()},
                "worker_and_web_percent": round(100 * (used["worker"] + used["web"]) / seconds, 2),
                "worker_mb": resident_mb(running.worker.pid),
                "web_mb": resident_mb(running.web.pid),
                "machine": machine(),
            }
        )


if __name__ == "__main__":
    main()

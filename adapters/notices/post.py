"""A process of its own that hands one notice for one receiver to Apprise and ends: 45 MB that no worker
keeps, and a receiver that hangs holds up nobody. The URL comes in on standard input, where no list of
processes shows it."""

from __future__ import annotations

import json
import sys

from apprise import Apprise, AppriseAsset

from adapters.notices.muting import muted, without


def main() -> None:
    told = json.load(sys.stdin)
    json.dump(_fault(told["url"], title=told["title"], body=told["body"]), sys.stdout)


def _fault(url: str, *, title: str, body: str) -> str | None:
    """Why the receiver at ``url`` did not get it, without what the URL keeps secret."""
    with muted() as lines:
        apprise = Apprise(
            asset=AppriseAsset(
                app_id="sop", app_desc="Customer-service procedures", app_url="", secure_logging=True
            )
        )
        if not apprise.add(url):
            return "Apprise knows no such URL"
        if apprise.notify(title=title, body=body):
            return None
    return without(url, lines[0]) if lines else "not delivered"


if __name__ == "__main__":
    main()

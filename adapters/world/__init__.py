"""The simulated world: every provider the procedures need, on one machine and without an account.

Deterministic by seed: the same command under the same key gets the same answer. What makes it answer out of
the ordinary is listed in ``behaviour.py``, how to make it fail in ``faults.py``, how its effects are counted
in ``book.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from adapters.messages.rendering import Renderer
from adapters.sealing import Vault
from adapters.world.book import Book
from adapters.world.faults import Faults
from adapters.world.message import Invite, Outbox, PostOffice
from adapters.world.provider import Conditions, Provider
from adapters.world.purchases import LIMITS, PurchaseLimit, Purchases
from machines.catalogue import CATALOGUE
from machines.kernel.command import CommandType
from machines.policy import Policy
from machines.policy import load as load_policy


def _now() -> datetime:
    return datetime.now(UTC)


def simulated_world(
    seed: int,
    *,
    book: Book | None = None,
    faults: Faults | None = None,
    vault: Vault | None = None,
    outbox: Outbox | None = None,
    invite: Invite | None = None,
    latency: float = 0.0,
    policy: Policy | None = None,
    limits: tuple[PurchaseLimit, ...] = LIMITS,
    purchases: Purchases | None = None,
    clock: Callable[[], datetime] = _now,
) -> Mapping[str, Provider]:
    """An adapter for each prefix among the commands of all procedures.

    ``book`` counts effects (none: nothing is counted, and the same key twice does its effect twice),
    ``purchases`` is where limits count what was bought (none: in the book, else within this world only),
    ``latency`` is the mean time of an answer in seconds, ``vault``
    lets messages be addressed, ``invite`` gives those that put a question their link, ``policy`` (else
    the one shipped) says how they are signed, ``limits`` are the shop's rules on how much a customer may buy.
    """
    kinds: dict[str, dict[str, CommandType]] = {}
    for command in (command for procedure in CATALOGUE for command in procedure.commands.values()):
        kinds.setdefault(command.name.partition(".")[0], {})[command.name] = command
    conditions = Conditions(
        seed=seed,
        clock=clock,
        faults=faults or Faults(),
        book=book,
        latency=latency,
        limits=limits,
        purchases=purchases or (book.purchases if book else Purchases()),
    )
    box = outbox or Outbox()
    policy = policy or load_policy()
    renderer = Renderer(policy.house, zone=policy.calendar.zone)
    return {
        prefix: PostOffice(known, conditions, vault=vault, outbox=box, renderer=renderer, invite=invite)
        if prefix == "message"
        else Provider(known, conditions)
        for prefix, known in kinds.items()
    }

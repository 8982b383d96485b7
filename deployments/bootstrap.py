"""The composition root: the one place that picks concrete stores, adapters and definitions."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from adapters.asking.answers import Answers
from adapters.asking.links import Invitations, Links
from adapters.asking.questions import Questions
from adapters.bulletins.happening import bulletins_of
from adapters.bulletins.secrets import Secrets
from adapters.bulletins.subscribing import Subscribing
from adapters.case_view import view_of
from adapters.command import Adapter
from adapters.correction import Correction
from adapters.dead_letters import DeadLetters, Resent
from adapters.intake import Intake
from adapters.master_key import MasterKeys, master_keys
from adapters.sealing import Vault
from adapters.steering import Steering
from adapters.store.base import Store
from adapters.store.opening import open_store
from adapters.world import simulated_world
from adapters.world.book import SqliteBook
from adapters.world.faults import Faults
from adapters.world.purchases import Purchases
from deployments.errors import MasterKeyMissing, SettingUnusable
from deployments.installed import require_installation
from deployments.providers import real_adapters
from deployments.settings import Settings
from flows.boards import Boards
from flows.case_page import CasePage, case_page
from machines.catalogue import CATALOGUE, Catalogue
from machines.definitions import definitions
from machines.explain import Explanation, explain, spells
from machines.kernel.case import Case
from machines.kernel.definition import Definition
from machines.policy import DEFAULT, Policy
from machines.policy import load as load_policy
from machines.returns.terms import Terms as ReturnTerms

if TYPE_CHECKING:
    from adapters.asking.page import Page


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Installation:
    """What a command may need that asks, or has steps tried again; it takes no events and opens no seal."""

    settings: Settings
    policy: Policy
    catalogue: Catalogue
    definitions: Mapping[str, Definition]
    store: Store

    @property
    def return_terms(self) -> ReturnTerms:
        """The return policy as the house has set it."""
        terms = self.definitions["return"].terms
        assert isinstance(terms, ReturnTerms)
        return terms

    def page_of(self, case: str) -> CasePage | None:
        """The page of a case, by its id."""
        sop, _, key = case.partition("/")
        for found in self.store.find_case(key=key, sop=sop):
            view = view_of(self.store, found, explain=self.explain)
            return case_page(view, found, self.definitions[sop], now=self.clock())
        return None

    @property
    def steering(self) -> Steering:
        """What staff ask of a case."""
        return Steering(self.store, self.definitions, clock=self.clock)

    @property
    def boards(self) -> Boards:
        return Boards(self.store, self.definitions, clock=self.clock)

    @property
    def questions(self) -> Questions:
        return Questions(self.store, self.definitions)

    @property
    def subscribing(self) -> Subscribing:
        """What staff do with subscriptions, but for what makes a secret."""
        return self._subscribing(None)

    def _subscribing(self, secrets: Secrets | None) -> Subscribing:
        plain = self.settings.plain_subscribers
        return Subscribing(
            self.store.bulletins, sops=self.definitions, clock=self.clock, plain=plain, secrets=secrets
        )

    @property
    def dead_letters(self) -> DeadLetters:
        return DeadLetters(self.store, catalogue=self.catalogue)

    @staticmethod
    def clock() -> datetime:
        return utc_now()

    def explain(self, case: Case) -> list[Explanation]:
        """Why the deadlines and clocks of ``case`` are due when they are."""
        return explain(
            case,
            definition=self.definitions[case.sop],
            policy=self.policy,
            now=self.clock(),
            held=spells(entry for entry, _ in self.store.journal(case.id)),
        )


@dataclass(frozen=True, slots=True)
class Application(Installation):
    """Everything that the web process, a worker or ``sop send`` needs, on one open store."""

    vault: Vault
    intake: Intake
    mark: str  #: names the installation, as its store does
    links: Links
    secrets: Secrets

    @property
    def subscribing(self) -> Subscribing:
        return self._subscribing(self.secrets)

    @property
    def answers(self) -> Answers:
        return Answers(self.questions, intake=self.intake, store=self.store)

    @property
    def page(self) -> Page:
        """The page on which customers answer."""
        from adapters.asking.page import Page  # brings the web framework, which a worker has no use for

        zone = self.policy.calendar.zone
        return Page(self.questions, self.answers, self.links, ZoneInfo(zone), utc_now)

    def adapters(self) -> Mapping[str, Adapter]:
        """The simulated world, and in place of its parts the providers that the settings name."""
        settings = self.settings
        book = SqliteBook(settings.home / "world.db") if settings.world_book else None
        simulated = simulated_world(
            settings.world_seed,
            book=book,
            purchases=None if book else Purchases.in_file(settings.home / "purchases.db"),
            faults=Faults(file=settings.faults),
            latency=settings.world_latency,
            vault=self.vault,
            policy=self.policy,
            invite=Invitations(self.questions, links=self.links, catalogue=self.catalogue),
        )
        return {**simulated, **real_adapters(settings, vault=self.vault, clock=utc_now)}

    def submit(self, event: Mapping[str, object]) -> Mapping[str, object]:
        """Take one event in from staff or an automation, and say what became of it so far."""
        envelope = {"specversion": "1.0", "source": "prefect", **event}
        accepted = self.intake.accept([envelope])[0]
        row = self.store.letter(source=accepted.source, id=accepted.id)
        answer = {"status": row.status.value, "case": accepted.subject} if row else {"status": "new"}
        return answer | ({"reason": row.reason} if row and row.reason else {})

    def resend(self, letter: int, changes: Correction, who: str, reason: str) -> Resent:
        """Send a letter again for staff; raises what ``DeadLetters.resend`` does."""
        return self.dead_letters.resend(letter, intake=self.intake, changes=changes, who=who, reason=reason)


@contextmanager
def open_installation(settings: Settings) -> Iterator[Installation]:
    """Open the store of ``settings`` as it is, without making or migrating anything; close it at the end.

    Raises ``NoInstallation``, ``SchemaDiffers``, ``SettingUnusable`` or ``StoreUnavailable``.
    """
    require_installation(settings)
    with _open(settings) as installation:
        yield installation


@contextmanager
def open_application(settings: Settings) -> Iterator[Application]:
    """Open the store of ``settings``, made and migrated if need be; close it at the end.

    Raises ``MasterKeyMissing``, ``SettingUnusable`` or ``StoreUnavailable``.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with _open(settings) as opened:
        store = opened.store
        master = _master(settings)
        vault = Vault(store, master=master)
        store.migrate()
        intake = Intake(store, vault=vault, catalogue=CATALOGUE, clock=utc_now)
        links = Links(master, base=settings.customer_url, days=settings.link_days, clock=utc_now)
        installation = (settings, opened.policy, CATALOGUE, opened.definitions, store)
        yield Application(*installation, vault, intake, store.identity(), links, Secrets(master))


@contextmanager
def _open(settings: Settings) -> Iterator[Installation]:
    policy = load_policy(settings.policy or DEFAULT)
    built = definitions(policy)
    procedures = [definition.procedure for definition in built.values()]
    hydrate = {procedure.name: {procedure.version: procedure.data} for procedure in procedures}
    try:
        store = open_store(settings.url, hydrate=hydrate, tells=bulletins_of(built))
    except ValueError as error:
        raise SettingUnusable(f"store_url: {error}") from None
    try:
        yield Installation(settings, policy, CATALOGUE, built, store)
    finally:
        store.close()


def _master(settings: Settings) -> MasterKeys:
    configured = settings.master_key.get_secret_value() if settings.master_key else None
    if configured is None and settings.shared:
        raise MasterKeyMissing(
            "a store that several machines may share needs a master key that all of them are given: set "
            "SOP_MASTER_KEY (or master_key in sop.toml) everywhere to one and the same base64 of 32 random "
            f"bytes, such as this new one: {b64encode(os.urandom(32)).decode()}"
        )
    try:
        return master_keys(configured=configured, home=settings.key_folder)
    except ValueError as error:
        raise SettingUnusable(str(error)) from None

"""Settings of one installation: ``sop.toml`` (or the file ``SOP_CONFIG`` names), then ``SOP_`` environment.

Everything the product keeps lies under ``home``, unless a URL says otherwise.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, SecretStr, Tag, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from adapters.signatures import parse_key

#: Passwords in URLs, as user:password@ or as a parameter.
_PASSWORD = re.compile(r"(?<=:)[^:/@]*(?=@)|(?<=[?&]password=)[^&]*")


_URL = r"^https?://[^\s#]+$"


class _Provider(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HttpProvider(_Provider):
    """A warehouse, carrier or other system that is asked over signed HTTP."""

    kind: Literal["http"] = "http"
    url: str = Field(pattern=_URL, repr=False, description="where each command is posted")
    secret: SecretStr = Field(description="signs what is posted: whsec_ and the base64 of 24 to 64 bytes")
    timeout: float = Field(20.0, gt=0, lt=30, description="seconds after which one try counts as failed")
    limit: int = Field(32, ge=1, le=256, description="commands at once, and connections, in one worker")
    wait: float = Field(86_400, gt=0, description="seconds that a later answer may take; then it asks again")

    @field_validator("secret")
    @classmethod
    def _check_secret(cls, secret: SecretStr) -> SecretStr:
        parse_key(secret.get_secret_value())
        return secret


class StripeProvider(_Provider):
    """Stripe, for payments by card."""

    kind: Literal["stripe"]
    key: SecretStr = Field(description="secret or restricted key of the account: sk_... or rk_...")
    webhook_secret: SecretStr | None = Field(None, description="signs Stripe's webhooks: whsec_...")
    api_base: str | None = Field(None, pattern=_URL, description="another address than Stripe's own")
    timeout: float = Field(25.0, gt=0, lt=30, description="seconds after which one try counts as failed")
    limit: int = Field(32, ge=1, le=100, description="commands at once in one worker")
    otherwise: HttpProvider | None = Field(None, description="who pays what is not paid by card")


def _kind(provider: object) -> str:
    kind = provider.get("kind") if isinstance(provider, Mapping) else getattr(provider, "kind", None)
    return kind if isinstance(kind, str) else "http"


Provider = Annotated[
    Annotated[HttpProvider, Tag("http")] | Annotated[StripeProvider, Tag("stripe")], Discriminator(_kind)
]


class OutageSettings(BaseModel):
    """When a command counts as out, and what becomes of parked steps when it answers again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    failures: int = Field(5, ge=2, description="tries of one command in a row without an answer")
    first: float = Field(
        15.0, gt=0, description="seconds until the first probe; each later one waits twice as long"
    )
    longest: float = Field(300.0, gt=0, description="seconds between two probes at most")
    by_hand: tuple[str, ...] = Field(
        (), description="commands or prefixes whose parked steps staff replay themselves"
    )
    within_hours: float = Field(24.0, ge=0, description="outages that lasted longer are left to staff")


class Notify(BaseModel):
    """Where staff are told of what needs them, as Apprise URLs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    oncall: list[SecretStr] = Field(default_factory=list, description="of parked steps and missing workers")
    operations: list[SecretStr] = Field(
        default_factory=list, description="of breached clocks and escalations; ``oncall`` if empty"
    )
    quiet: float = Field(
        900, ge=0, description="seconds between two messages about parked steps of one cause"
    )

    @property
    def anybody(self) -> bool:
        return bool(self.oncall or self.operations)


class Keep(BaseModel):
    """How many days things are kept that are over; what is not set is kept for ever."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    runs: int = Field(30, ge=1, description="flow runs in Prefect that have ended")
    versions: int = Field(7, ge=1, description="artifacts in Prefect that a newer one has replaced")
    cases: int | None = Field(None, ge=90, description="finished cases, archived then; for ever if unset")
    letters: int | None = Field(
        None, ge=90, description="dead letters, and those of cases that are gone; as ``cases`` if unset"
    )


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="SOP_", extra="forbid", frozen=True)

    home: Path = Field(Path(".sop"), description="folder of all state: stores, keys, logs")
    store_url: str | None = Field(
        None, description="SQLAlchemy URL of the case store; SQLite under home if unset"
    )
    policy: Path | None = Field(None, description="policy file that replaces the one shipped")
    approvals: Path = Field(Path("approvals.toml"), description="who approved which procedure, and when")
    master_key: SecretStr | None = Field(None, description="base64 of 32 bytes that wrap customer keys")

    web_host: str = "127.0.0.1"
    web_port: int = Field(8080, ge=1, le=65535)
    body_limit: int = Field(1_048_576, gt=0, description="largest request body in bytes")
    rate_limit: float = Field(
        5_000, ge=0, description="events per second that one client may send; 0 for no limit"
    )
    source_keys: dict[str, list[SecretStr]] = Field(
        default_factory=dict, description="keys, one of which a source must sign its events over HTTP with"
    )
    unsigned_sources: bool = Field(True, description="whether sources without keys may send events over HTTP")
    public_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s?#]+$",
        description="where customers reach the web process; its own address if unset",
    )
    link_days: int = Field(30, gt=0, le=3650, description="how long a link tells of a closed question")

    prefect_api_url: str | None = Field(
        None, description="a Prefect server run by others; ours is started if unset"
    )
    prefect_port: int = Field(4200, ge=1, le=65535)
    prefect_database: str = Field("postgres", pattern="^(postgres|sqlite)$")

    lease: float = Field(10.0, gt=0, description="seconds of silence after which a worker has lost its cases")
    worker_metrics_port: int | None = Field(
        None, ge=1, le=65535, description="where a worker shows its own figures to Prometheus, at web_host"
    )
    unmatched_days: int = Field(30, gt=0, description="how long an event waits for its case")

    plain_subscribers: bool = Field(
        False, description="whether other machines may be told of cases by HTTP without TLS"
    )
    subscriber_days: float = Field(
        5, gt=0, le=365, description="how long a subscriber may fail before it is told no more"
    )
    replay_days: float = Field(
        30, gt=0, le=3650, description="how long what all subscribers were told is kept, for replays"
    )

    providers: dict[str, Provider] = Field(
        default_factory=dict,
        description="who performs the commands of a prefix, instead of the simulated world",
    )

    outages: OutageSettings = Field(OutageSettings(), description="what is done while a provider is away")

    notify: Notify = Field(default_factory=Notify, description="where staff are told of what needs them")

    keep: Keep = Field(default_factory=Keep, description="how many days things are kept that are over")

    world_seed: int = 1
    world_book: bool = Field(False, description="keep the simulated world's book of effects in home")
    world_latency: float = Field(0.0, ge=0, description="seconds that each simulated command takes")

    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    @field_validator("source_keys")
    @classmethod
    def _check_keys(cls, keys: dict[str, list[SecretStr]]) -> dict[str, list[SecretStr]]:
        for source, texts in keys.items():
            if not texts:
                raise ValueError(f"{source} has no key; leave it out, or give it one")
            for text in texts:
                parse_key(text.get_secret_value())
        return keys

    @property
    def url(self) -> str:
        return self.store_url or f"sqlite:///{self.home.resolve() / 'cases.db'}"

    @property
    def store_file(self) -> Path | None:
        """The file of a SQLite store; None for a store on a server."""
        scheme, _, path = self.url.partition(":///")
        return Path(path.partition("?")[0]) if scheme.partition("+")[0] == "sqlite" else None

    @property
    def shared(self) -> bool:
        """Whether the store is on a server, where other machines may use it too."""
        return self.store_file is None and not self.url.startswith("memory:")

    @property
    def key_folder(self) -> Path:
        """Where the master key is made if none is configured: with the data that it belongs to."""
        return self.home if self.store_url is None or self.store_file is None else self.store_file.parent

    @property
    def prefect_url(self) -> str:
        return self.prefect_api_url or f"http://127.0.0.1:{self.prefect_port}/api"

    @property
    def prefect_ui(self) -> str:
        return self.prefect_url.removesuffix("/api")

    @property
    def web_url(self) -> str:
        return f"http://{self.web_host}:{self.web_port}"

    @property
    def customer_url(self) -> str:
        """Where the links in messages lead."""
        return self.public_url or self.web_url

    @property
    def archive(self) -> Path:
        """Where finished cases lie that have left the store."""
        return self.home / "archive"

    @property
    def faults(self) -> Path:
        """Faults of the simulated world; re-read whenever it changes."""
        return self.home / "faults.txt"

    def shown(self, name: str) -> str:
        """The value of one setting as it may be printed: without passwords and keys."""
        value = getattr(self, name)
        if name == "home":
            value = self.home.resolve()
        if name == "providers":
            value = ", ".join(f"{prefix}: {one.kind}" for prefix, one in sorted(value.items()))
        if name == "outages":
            value = ", ".join(f"{field} {told}" for field, told in self.outages.model_dump().items() if told)
        if name == "notify":
            value = f"oncall: {len(self.notify.oncall)}, operations: {len(self.notify.operations)}"
        if name == "keep":
            value = ", ".join(f"{part} {days or 'for ever'}" for part, days in self.keep)
        if name == "source_keys":
            value = ", ".join(f"{source}: {len(keys)}" for source, keys in sorted(value.items()))
        return "" if value is None else without_password(str(value))

    def sources(self) -> Mapping[str, str]:
        """Where each setting comes from: the variable, the file, or ``default``."""
        file = _file()
        in_file = tomllib.loads(file.read_text("utf-8")) if file.exists() else {}
        variables = {name.upper() for name in os.environ}

        def source(name: str) -> str:
            variable = f"SOP_{name.upper()}"
            if variable in variables:
                return variable
            return str(file) if name in in_file else "default"

        return {name: source(name) for name in type(self).model_fields}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = TomlConfigSettingsSource(settings_cls, _file())
        return (init_settings, env_settings, file)


def without_password(text: str) -> str:
    return _PASSWORD.sub("***", text)


def _file() -> Path:
    return Path(os.environ.get("SOP_CONFIG", "sop.toml"))

"""Settings of one installation: ``sop.toml`` (or the file ``SOP_CONFIG`` names), then ``SOP_`` environment.

Everything the product keeps lies under ``home``, unless a URL says otherwise.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="SOP_", extra="forbid", frozen=True)

    home: Path = Field(Path(".sop"), description="folder of all state: stores, keys, logs")
    store_url: str | None = Field(
        None, description="SQLAlchemy URL of the case store; SQLite under home if unset"
    )
    policy: Path | None = Field(None, description="policy file that replaces the one shipped")
    master_key: SecretStr | None = Field(None, description="base64 of 32 bytes that wrap customer keys")

    web_host: str = "127.0.0.1"
    web_port: int = Field(8080, ge=1, le=65535)
    body_limit: int = Field(1_048_576, gt=0, description="largest request body in bytes")

    prefect_api_url: str | None = Field(
        None, description="a Prefect server run by others; ours is started if unset"
    )
    prefect_port: int = Field(4200, ge=1, le=65535)
    prefect_database: str = Field("postgres", pattern="^(postgres|sqlite)$")

    lease: float = Field(10.0, gt=0, description="seconds of silence after which a worker has lost its cases")
    unmatched_days: int = Field(30, gt=0, description="how long an event waits for its case")

    world_seed: int = 1
    world_book: bool = Field(False, description="keep the simulated world's book of effects in home")
    world_latency: float = Field(0.0, ge=0, description="seconds that each simulated command takes")

    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    @property
    def url(self) -> str:
        return self.store_url or f"sqlite:///{self.home.resolve() / 'cases.db'}"

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
    def faults(self) -> Path:
        """Faults of the simulated world; re-read whenever it changes."""
        return self.home / "faults.txt"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = TomlConfigSettingsSource(settings_cls, Path(os.environ.get("SOP_CONFIG", "sop.toml")))
        return (init_settings, env_settings, file)

"""Who performs which commands: real providers as the settings say by prefix, the simulated world the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from adapters.command import Adapter
from adapters.http_command import Endpoint, HttpCommands
from adapters.http_command.document import Writer
from adapters.intake import Intake
from adapters.sealing import Vault
from deployments.errors import SettingUnusable
from deployments.settings import HttpProvider, Settings, StripeProvider
from machines.catalogue import CATALOGUE
from machines.kernel.command import CommandType

# Stripe's SDK and the web framework are 15 MB to a worker that has no use for them.
if TYPE_CHECKING:
    from fastapi import FastAPI

    from adapters.stripe import StripePayments

OWN = frozenset({"message"})  #: what the house does itself: it words messages and gives them their links


def commands() -> Mapping[str, Mapping[str, CommandType]]:
    """Prefix -> command -> its type, of all procedures."""
    kinds: dict[str, dict[str, CommandType]] = {}
    for command in (command for procedure in CATALOGUE for command in procedure.commands.values()):
        kinds.setdefault(command.name.partition(".")[0], {})[command.name] = command
    return kinds


def real_adapters(
    settings: Settings, *, vault: Vault, clock: Callable[[], datetime]
) -> Mapping[str, Adapter]:
    """An adapter for each prefix in ``providers``. Raises ``SettingUnusable``."""
    known = commands()
    for prefix in settings.providers:
        if prefix not in known or prefix in OWN:
            may = ", ".join(sorted(known.keys() - OWN))
            raise SettingUnusable(
                f"providers.{prefix}: no commands to give to a provider; write one of {may}"
            )
    return {
        prefix: _adapter(prefix, provider, known[prefix], vault, clock)
        for prefix, provider in settings.providers.items()
    }


def _adapter(
    prefix: str,
    provider: HttpProvider | StripeProvider,
    known: Mapping[str, CommandType],
    vault: Vault,
    clock: Callable[[], datetime],
) -> Adapter:
    if isinstance(provider, HttpProvider):
        return _over_http(provider, known, vault, clock)
    if prefix != "payment":
        raise SettingUnusable(f"providers.{prefix}: Stripe performs payment.* commands alone")
    others = provider.otherwise
    return _over_stripe(provider, otherwise=_over_http(others, known, vault, clock) if others else None)


def _over_stripe(provider: StripeProvider, *, otherwise: HttpCommands | None) -> StripePayments:
    from adapters.stripe import StripePayments

    return StripePayments(
        provider.key.get_secret_value(),
        api_base=provider.api_base,
        timeout=provider.timeout,
        limit=provider.limit,
        otherwise=otherwise,
    )


def add_webhooks(app: FastAPI, settings: Settings, *, intake: Intake) -> None:
    """The webhooks of the providers that have some."""
    for provider in settings.providers.values():
        if isinstance(provider, StripeProvider) and provider.webhook_secret is not None:
            _add_stripe(app, intake, provider, secret=provider.webhook_secret.get_secret_value())


def _add_stripe(app: FastAPI, intake: Intake, provider: StripeProvider, *, secret: str) -> None:
    from adapters.stripe.account import Account
    from adapters.stripe.webhooks import add_stripe_webhooks

    key = provider.key.get_secret_value()
    account = Account(key, api_base=provider.api_base, timeout=provider.timeout)
    add_stripe_webhooks(app, intake, account=account, secret=secret)


def _over_http(
    provider: HttpProvider,
    known: Mapping[str, CommandType],
    vault: Vault,
    clock: Callable[[], datetime],
) -> HttpCommands:
    endpoint = Endpoint(
        url=provider.url,
        secret=provider.secret.get_secret_value(),
        timeout=provider.timeout,
        limit=provider.limit,
        wait=provider.wait,
    )
    return HttpCommands(endpoint, commands=known, writer=Writer(vault), clock=clock)


def described(settings: Settings) -> Iterator[tuple[str, str]]:
    """(which commands, who performs them), without secrets; simulated ones together."""
    who = performers(settings)
    for prefix in sorted(settings.providers):
        yield f"{prefix}.* commands", who[prefix]
    simulated = [prefix for prefix in sorted(who) if prefix not in settings.providers]
    yield "other commands", f"simulated: {', '.join(simulated)}"


def performers(settings: Settings) -> Mapping[str, str]:
    """Prefix -> who performs its commands, without secrets."""
    real = {prefix: _told(provider) for prefix, provider in settings.providers.items()}
    return dict.fromkeys(commands(), "simulated") | real


def _told(provider: HttpProvider | StripeProvider) -> str:
    if isinstance(provider, HttpProvider):
        return f"HTTP at {_place(provider.url)}"
    mode = "live" if provider.key.get_secret_value().startswith(("sk_live", "rk_live")) else "test"
    at = f" at {_place(provider.api_base)}" if provider.api_base else ""
    rest = f"; what is not by card: HTTP at {_place(provider.otherwise.url)}" if provider.otherwise else ""
    return f"Stripe{at}, {mode} mode{rest}"


def _place(url: str) -> str:
    """Where it leads, without credentials, path and query, which may be secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"

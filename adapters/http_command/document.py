"""What a provider is told about one command, and which personal fields of it.

A personal field is opened only for a command that is listed here with its purpose; any other is sent as
``null``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from adapters.errors import OwnFault, SealBroken, StoreUnavailable, Unavailable
from adapters.personal import Json
from adapters.sealing import Disclosure, Vault
from machines.kernel.command import Command, CommandType
from machines.kernel.event import SEALED

_PLACE = frozenset({"street", "city", "postcode"})
_ACCOUNT = frozenset({"account"})
DISCLOSURES: Mapping[str, Disclosure] = {
    "order.verify": Disclosure("verification", "address check", _PLACE),
    "carrier.buy_label": Disclosure("carrier", "delivery of a parcel", _PLACE),
    "carrier.return_label": Disclosure("carrier", "collection of a parcel", _PLACE),
    "payment.pay_out": Disclosure("payment provider", "payment to the customer", _ACCOUNT),
    "goodwill.pay": Disclosure("payment provider", "payment to the customer", _ACCOUNT),
    "postage.pay": Disclosure("payment provider", "payment to the customer", _ACCOUNT),
}
"""Command -> who is given which personal fields, and what for."""


@dataclass(frozen=True, slots=True, repr=False)
class Document:
    """``body`` is JSON (UTF-8), ``clear`` the personal texts in it; kept out of logs by having no printed
    form."""

    body: bytes
    clear: frozenset[str]


class Writer:
    """Writes documents; opens personal fields with ``vault`` for the time of sending."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def write(self, command: Command, kind: CommandType) -> Document:
        """Raises ``Unavailable`` when the keys of customers cannot be read, ``OwnFault`` when a field cannot
        be opened any more."""
        arguments: Json = command.arguments.model_dump(mode="json")
        opened = await self._open(command, _tokens(arguments))
        sop, case = command.case
        told = {
            "command": command.name,
            "key": command.key,
            "procedure": sop,
            "case": case,
            "arguments": _replaced(arguments, opened),
            "outcomes": [outcome.type for outcome in kind.outcomes],
        }
        return Document(orjson.dumps(told), frozenset(opened.values()))

    async def _open(self, command: Command, tokens: list[str]) -> Mapping[str, str]:
        disclosure = DISCLOSURES.get(command.name)
        if disclosure is None or not tokens:
            return {}
        try:
            # The keys may have to be read from the store: not on the loop on which others perform.
            return await asyncio.to_thread(self._vault.open_tokens, tokens, disclosure=disclosure)
        except StoreUnavailable as error:
            raise Unavailable(f"{command.name}: {error}") from None
        except SealBroken as error:
            raise OwnFault(f"{command.name}: {error}") from None


def _tokens(value: Json) -> list[str]:
    if isinstance(value, str):
        return [value] if value.startswith(SEALED) else []
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [token for part in parts for token in _tokens(part)]


def _replaced(value: Json, opened: Mapping[str, str]) -> Json:
    if isinstance(value, str):
        return opened.get(value) if value.startswith(SEALED) else value
    if isinstance(value, dict):
        return {name: _replaced(part, opened) for name, part in value.items()}
    if isinstance(value, list):
        return [_replaced(part, opened) for part in value]
    return value

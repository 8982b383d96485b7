"""The secrets that bulletins are signed with: given out once, kept sealed under the master key."""

from __future__ import annotations

import os
from base64 import b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from adapters.errors import SealBroken
from adapters.master_key import MasterKeys

_PURPOSE = b"sign bulletins"
_BYTES = 32


def make_secret() -> bytes:
    return os.urandom(_BYTES)


def spelled(secret: bytes) -> str:
    """As Standard Webhooks write it."""
    return f"whsec_{b64encode(secret).decode()}"


class Secrets:
    """Seals and opens the secrets of subscriptions, each bound to the name of its own."""

    def __init__(self, master: MasterKeys) -> None:
        self._ciphers = [AESSIV(key) for key in master.derived(_PURPOSE)]

    def seal(self, secret: bytes, *, name: str) -> bytes:
        return self._ciphers[0].encrypt(secret, [name.encode()])

    def open(self, sealed: bytes, *, name: str) -> bytes:
        """Raises ``SealBroken``."""
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(sealed, [name.encode()])
            except InvalidTag:
                continue
        raise SealBroken(
            f"the secret of subscription {name} was sealed under a master key that is not configured; add "
            f"that key after the current one, or run: sop subscriptions rotate {name}"
        )

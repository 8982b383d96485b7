"""The master key that wraps every customer's key, and its predecessors for as long as they are needed."""

from __future__ import annotations

import hashlib
import os
from base64 import b64decode, b64encode
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from adapters.errors import SealBroken

_VERSION = b"\x01"
_ID = 8
_NONCE = 12


class MasterKeys:
    """A ring of 256-bit keys: the first wraps, each unwraps what it once wrapped.

    A wrapped key is ``version (1) | id of the master key (8) | nonce (12) | ciphertext and tag (48)`` bytes.
    """

    def __init__(self, current: bytes, *former: bytes) -> None:
        self._keys = (current, *former)
        self._ring = {key_id(key): AESGCM(key) for key in self._keys}
        self.current = key_id(current)

    def derived(self, purpose: bytes) -> list[bytes]:
        """A key of 64 bytes for another purpose from each key of the ring, the current one first."""
        info = b"sop master key for " + purpose
        return [HKDF(SHA256(), length=64, salt=None, info=info).derive(key) for key in self._keys]

    def wrap(self, key: bytes, *, customer: str) -> bytes:
        nonce = os.urandom(_NONCE)
        sealed = self._ring[self.current].encrypt(nonce, key, self._bound_to(self.current, customer))
        return _VERSION + self.current + nonce + sealed

    def unwrap(self, wrapped: bytes, *, customer: str) -> bytes:
        """Raises ``SealBroken`` when no key of the ring wrapped it, or not for this customer."""
        master, rest = wrapped[1 : 1 + _ID], wrapped[1 + _ID :]
        cipher = self._ring.get(master)
        if wrapped[:1] != _VERSION or cipher is None:
            raise SealBroken(
                f"the key of customer {customer} was wrapped by master key {master.hex()}, "
                "which is not configured; add it after the current one"
            )
        try:
            return cipher.decrypt(rest[:_NONCE], rest[_NONCE:], self._bound_to(master, customer))
        except (InvalidTag, ValueError):
            raise SealBroken(f"the wrapped key of customer {customer} was tampered with") from None

    @staticmethod
    def _bound_to(master: bytes, customer: str) -> bytes:
        return b"customer-key\n" + master + customer.encode()


def key_id(key: bytes) -> bytes:
    """Names a master key without giving it away."""
    return hashlib.sha256(b"sop master key\n" + key).digest()[:_ID]


def master_keys(*, configured: str | None, home: Path) -> MasterKeys:
    """The ring in ``configured``: base64 keys separated by commas or lines, the current one first.

    When nothing is configured it is the file ``home/master.key`` in the same form, made with one random key
    and mode 0600 if it is missing. Raises ``ValueError``, without the text, for anything but 256-bit keys.
    """
    if configured:
        return _ring(configured, origin="the configured master key")
    path = home / "master.key"
    if not path.exists():
        _make(path)
    if path.stat().st_mode & 0o077:
        raise ValueError(f"{path} can be read by other users; run: chmod 600 {path}")
    return _ring(path.read_text("ascii"), origin=str(path))


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(b64encode(AESGCM.generate_key(256)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):  # another process was first: its key counts
        os.link(draft, path)
    draft.unlink()


def _ring(text: str, *, origin: str) -> MasterKeys:
    keys = []
    for part in text.replace(",", "\n").split():
        try:
            key = b64decode(part, validate=True)
        except ValueError:
            key = b""
        if len(key) != 32:
            raise ValueError(
                f"{origin}: each key is 32 random bytes in base64; make one with: openssl rand -base64 32"
            )
        keys.append(key)
    if not keys:
        raise ValueError(f"{origin} is empty")
    return MasterKeys(*keys)

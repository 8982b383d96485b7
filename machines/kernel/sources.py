"""What a procedure is made of: the sources of its package and of what it shares with others (money between
cases, letters, surveys). The kernel is no part of it: it is the engine, watched over by golden journals."""

from __future__ import annotations

import ast
import hashlib
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

_OURS = "machines."
_ENGINE = "machines.kernel"
_TRIES = 5


def content_hash(package: str) -> str:
    """16 hexadecimal digits that change with anything the sources say; layout and comments do not count."""
    digest = hashlib.sha256()
    for source in sources_of(package):
        digest.update(_read(source).digest)
    return digest.hexdigest()[:16]


def sources_of(package: str) -> list[Path]:
    """The files of ``package`` and of the modules that these lead to."""
    found = set(_file(package).parent.glob("*.py"))
    waiting = list(found)
    while waiting:
        for module in _read(waiting.pop()).imports:
            path = _file(module)
            if path not in found:
                found.add(path)
                waiting.append(path)
    return sorted(found)


def _file(module: str) -> Path:
    return Path(str(import_module(module).__file__))


@dataclass(frozen=True, slots=True)
class _Source:
    digest: bytes
    imports: tuple[str, ...]  #: modules of ours


@cache
def _read(source: Path) -> _Source:
    parsed = _parsed(source.read_text("utf-8"))
    names = [node.module or "" for node in ast.walk(parsed) if isinstance(node, ast.ImportFrom)]
    imports = tuple(name for name in names if name.startswith(_OURS) and not name.startswith(_ENGINE))
    return _Source(hashlib.sha256(ast.unparse(parsed).encode()).digest(), imports)


def _parsed(text: str) -> ast.Module:
    # Threads that parse at once make CPython 3.11 miscount how deep it is (gh-106905).
    for _ in range(_TRIES):
        with suppress(SystemError):
            return ast.parse(text)
    return ast.parse(text)

"""What the README and the pages under docs say can be followed: links lead somewhere, events are valid,
commands and their options exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import typer
from typer.core import TyperGroup

from adapters.intake import Intake
from adapters.master_key import MasterKeys
from adapters.sealing import Vault
from deployments.cli import app
from machines.catalogue import CATALOGUE
from tests.adapters.toys import NOW, ToyStore

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s#]+)[^)]*\)")
_FENCED = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^(?: {4}[^\n]*\n?)+", re.MULTILINE)
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_CURL = re.compile(r"curl\b[^']*?/events\b(?:[^']|'(?![\[{])[^']*')*?-d\s+'([\[{][^']*)'")
_HEADER = re.compile(r"ce-(\w+):\s*([^'\"]+)")
_COMMAND = re.compile(r"(?:^|[\s(])(?:\.venv/bin/)?sop ([a-z][a-z-]*)([^\n|;)]*)", re.MULTILINE)
_OPTION = re.compile(r"(?<!\S)(--?[a-z][a-z-]*)")


def code(page: Path) -> Iterator[str]:
    """Every piece of code on a page, continued lines joined."""
    text = page.read_text("utf-8")
    blocks = _FENCED.findall(text) + _INDENTED.findall(_FENCED.sub("", text))
    for block in (*blocks, *_INLINE.findall(text)):
        yield block.replace("\\\n", " ")


def commands(page: Path) -> Iterator[tuple[str, str]]:
    """Name and remaining words of every ``sop`` command on a page."""
    for piece in code(page):
        yield from _COMMAND.findall(piece)


def events(page: Path) -> Iterator[object]:
    """Every event that a page sends: by curl in any of the three modes, by ``sop send``, or from a file."""
    for piece in code(page):
        yield from _curled(piece)
        yield from (
            orjson.loads(line) for line in re.findall(r"^\s*echo '(\{\"specversion.*\})'", piece, re.M)
        )
    for name, rest in commands(page):
        words = shlex.split(rest) if name == "send" else []
        if len(words) > 1 and not words[0].startswith("-"):
            data = words[2] if len(words) > 2 and words[2].startswith("{") else "{}"
            yield _event(type=words[0], subject=words[1], data=orjson.loads(data))


def _curled(piece: str) -> Iterator[object]:
    for found in _CURL.finditer(piece):
        body = orjson.loads(found[1])
        headers = dict(_HEADER.findall(found[0]))
        if headers:
            yield headers | {"data": body}
        elif isinstance(body, list):
            yield from body
        else:
            yield body


def _event(**attributes: object) -> dict[str, object]:
    return {"specversion": "1.0", "id": "1", "source": "docs", **attributes}


by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@by_page
def test_links_lead_somewhere(page: Path) -> None:
    targets = [target for target in _LINK.findall(page.read_text("utf-8")) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


@by_page
def test_events_are_taken(page: Path) -> None:
    store = ToyStore()
    intake = Intake(
        store, vault=Vault(store, master=MasterKeys(bytes(32))), catalogue=CATALOGUE, clock=lambda: NOW
    )
    sent = list(events(page))
    assert len(intake.accept(sent)) == len(sent)


@by_page
def test_commands_and_their_options_exist(page: Path) -> None:
    known = typer.main.get_group(app).commands
    for name, rest in commands(page):
        assert name in known, f"sop {name}"
        command = known[name]
        if isinstance(command, TyperGroup) and (words := rest.split()) and not words[0].startswith("-"):
            assert words[0] in command.commands, f"sop {name} {words[0]}"
            command = command.commands[words[0]]
        options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert set(_OPTION.findall(re.sub(r"'[^']*'|\"[^\"]*\"", "", rest))) <= options, f"sop {name}{rest}"


def test_the_pages_are_read_at_all() -> None:
    sent = [event for page in PAGES for event in events(page)]
    used = {name for page in PAGES for name, _ in commands(page)}
    assert len(sent) >= 10
    assert used >= {"up", "send", "show", "steps", "replay", "check", "simulate", "doctor"}

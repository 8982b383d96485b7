"""The embedded PostgreSQL keeps its data, survives a killed parent and ignores a stale lock file."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from adapters import postgres
from adapters.postgres import EmbeddedPostgres


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "postgres"


def remember(url: str, word: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS words (word text)")
        connection.execute("INSERT INTO words VALUES (%s)", (word,))


def remembered(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT word FROM words ORDER BY word")]


def test_it_creates_databases_and_keeps_them(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        remember(server.url("cases"), "first")
        assert remembered(server.url("cases")) == ["first"]
        with psycopg.connect(server.url("cases")) as connection:
            row = connection.execute("SHOW listen_addresses").fetchone()
        assert row == ("127.0.0.1",)
    with EmbeddedPostgres(folder) as server:
        assert remembered(server.url("cases")) == ["first"]


def test_a_port_that_another_program_has_just_taken_is_not_insisted_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = [taken.getsockname()[1]]
        free_port = postgres._free_port
        monkeypatch.setattr(postgres, "_free_port", lambda: ports.pop() if ports else free_port())
        started = time.monotonic()
        with EmbeddedPostgres(folder) as server:
            remember(server.url("cases"), "first")
    assert time.monotonic() - started < 30


def test_a_wrong_password_is_refused(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        password = (folder / "password").read_text().strip()
        wrong = server.url("cases").replace(password, "guess")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)


@pytest.mark.crash
def test_the_server_of_a_killed_parent_is_taken_over(folder: Path) -> None:
    program = f"""
import sys
from adapters.postgres import EmbeddedPostgres
server = EmbeddedPostgres({str(folder)!r})
server.start()
print(server.url("cases"), flush=True)
sys.stdin.read()
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        remember(url, "before")
        parent.send_signal(signal.SIGKILL)
    with EmbeddedPostgres(folder) as server:
        assert server.url("cases") == url
        assert remembered(url) == ["before"]
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_a_lock_file_of_another_life_is_ignored(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        server.url("cases")
    # Process 1 lives, but it is no PostgreSQL: so it looks after a power cut in a container.
    (folder / "data" / "postmaster.pid").write_text("1\n/elsewhere\n0\n5432\n\n127.0.0.1\n0 0\nready\n")
    with EmbeddedPostgres(folder) as server:
        remember(server.url("cases"), "again")

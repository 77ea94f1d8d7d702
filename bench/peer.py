"""The environment of the peer: eventsourcing with its own PostgreSQL module, which needs psycopg 3."""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path
from urllib.parse import urlsplit

from bench.harness import say
from bench.worker import ROOT

REQUIREMENTS = ("eventsourcing[postgres]==9.5.*", "psycopg[binary]>=3.2,<4", "pydantic", "orjson")
DIRECTORY = ROOT / ".data" / "bench-peer"


def peer_python() -> Path:
    """Return the interpreter of the peer's environment, made at first use with pip."""
    python = DIRECTORY / "bin" / "python"
    complete = DIRECTORY / "complete"
    if not complete.exists() or complete.read_text() != repr(REQUIREMENTS):
        say(f"making the peer's environment in {DIRECTORY.relative_to(ROOT)} (once)")
        venv.create(DIRECTORY, clear=True, symlinks=True, with_pip=True)
        subprocess.run(
            [
                python,
                *("-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
                *("--constraint", ROOT / "constraints.txt"),
                *REQUIREMENTS,
            ],
            check=True,
        )
        complete.write_text(repr(REQUIREMENTS))
    return python


def peer_settings(url: str, pool_size: int | None = None) -> dict[str, str]:
    """Return the library's settings for a database; all others keep their defaults."""
    parts = urlsplit(url)
    settings = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parts.path.removeprefix("/"),
        "POSTGRES_HOST": parts.hostname or "",
        "POSTGRES_PORT": str(parts.port or 5432),
        "POSTGRES_USER": parts.username or "",
        "POSTGRES_PASSWORD": parts.password or "",
    }
    if pool_size is not None:
        settings["POSTGRES_POOL_SIZE"] = str(pool_size)
    return settings

"""The peers, each in an environment of its own.

eventsourcing's own PostgreSQL module needs psycopg 3. Quix Streams needs a pydantic older than ours.
"""

from __future__ import annotations

import subprocess
import venv
from collections.abc import Sequence
from urllib.parse import urlsplit

from bench.harness import say
from bench.worker import ROOT

EVENTSOURCING = (
    "bench-peer",
    (
        *("--constraint", str(ROOT / "constraints.txt")),
        *("eventsourcing[postgres]==9.5.*", "psycopg[binary]>=3.2,<4", "pydantic", "orjson"),
    ),
)
QUIX_VERSION = "3.28.1"
#: eventsourcing is only there because the reader of records, which is ours, imports it.
QUIX = (
    "bench-peer-quix",
    (
        *(f"quixstreams=={QUIX_VERSION}", "confluent-kafka==2.12.2", "psycopg2-binary==2.9.13", "pydantic==2.13.5"),
        *("orjson==3.13.0", "eventsourcing==9.5.6"),
    ),
)


def peer_python(environment: tuple[str, Sequence[str]] = EVENTSOURCING) -> str:
    """Return the interpreter of a peer's environment, given as its name and what pip is to install, made once."""
    name, wanted = environment
    directory = ROOT / ".data" / name
    python = directory / "bin" / "python"
    complete = directory / "complete"
    if not complete.exists() or complete.read_text() != repr(wanted):
        say(f"making the peer's environment in {directory.relative_to(ROOT)} (once)")
        venv.create(directory, clear=True, symlinks=True, with_pip=True)
        install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        subprocess.run([python, *install, *wanted], check=True)
        complete.write_text(repr(wanted))
    return str(python)


def peer_settings(url: str, pool_size: int | None = None) -> dict[str, str]:
    """Return eventsourcing's settings for a database; all others keep their defaults."""
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

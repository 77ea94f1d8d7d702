"""Settings, from environment variables COMPLAINTS_*."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from adapters.orders import open_orders
from adapters.topics import DEFAULT_PARTITIONS
from domain.errors import InvalidInput

MAX_API_PROCESSES = 16
MAX_RELAYS = 4
MAX_FEEDS = 4
MAX_PROJECTORS = 64
MAX_WATCHERS = 8
CHECKOUT = Path(__file__).resolve().parent.parent


def _order_source(where: str) -> str:
    try:
        open_orders(where)
    except InvalidInput as error:
        raise ValueError(str(error)) from None
    return where


def _default_data_dir() -> Path:
    """In a checkout, .data beside the code; elsewhere the user's data directory."""
    if (CHECKOUT / "pyproject.toml").exists():
        return CHECKOUT / ".data"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "complaint-ledger"


class Settings(BaseSettings):
    """Every field is the variable COMPLAINTS_<FIELD>; the README lists them."""

    model_config = SettingsConfigDict(env_prefix="COMPLAINTS_", frozen=True)

    data_dir: Path = Field(
        default_factory=_default_data_dir,
        description="Where the embedded services, the logs and the service key are kept. "
        "Default: .data in a checkout, else ~/.local/share/complaint-ledger.",
    )
    cache_dir: Path | None = Field(
        None, description="Where the downloaded Kafka is kept. Default: ~/.cache/complaint-ledger."
    )
    database_url: str | None = Field(
        None, description="A PostgreSQL (postgresql://…) to use instead of the embedded one."
    )
    kafka_bootstrap: str | None = Field(None, description="A Kafka (host:port) to use instead of the embedded one.")
    topic_prefix: str = Field(
        "", pattern=r"^[a-zA-Z0-9._-]{0,100}$", description="Put before the names of the topics. Default: none."
    )
    partitions: int = Field(
        DEFAULT_PARTITIONS,
        ge=1,
        le=1000,
        description="Partitions per topic, fixed for life. Default: 8.",
    )
    service_key: str | None = Field(
        None, min_length=16, description="Key of the commands' digests. Default: random, kept in the data directory."
    )
    wait_s: float = Field(
        30.0,
        ge=0,
        le=3600,
        description="How long a query waits for complete read models. Default: 30.",
    )
    api_host: str = Field("127.0.0.1", description="Where the HTTP API listens. Default: 127.0.0.1.")
    api_port: int | None = Field(
        None, ge=0, le=65535, description="Port of the HTTP API. Default: 8000, or a free one if it is taken."
    )
    api_processes: int = Field(
        1, ge=1, le=MAX_API_PROCESSES, description="API processes under `complaints up`, sharing the port. Default: 1."
    )
    relays: int = Field(
        1,
        ge=1,
        le=MAX_RELAYS,
        description="Relays under `complaints up`: one publishes, the others stand by. Default: 1.",
    )
    feeds: int = Field(
        1,
        ge=1,
        le=MAX_FEEDS,
        description="Writers of the public feed under `complaints up`: one writes, the others stand by. Default: 1.",
    )
    projectors: int = Field(
        1,
        ge=1,
        le=MAX_PROJECTORS,
        description="Projectors under `complaints up`, sharing the partitions. Default: 1.",
    )
    watchers: int = Field(
        1,
        ge=1,
        le=MAX_WATCHERS,
        description="Watchers of deadlines under `complaints up`, sharing the work. Default: 1.",
    )
    requests_per_s: float = Field(
        200.0, gt=0, description="Requests a second that the HTTP API takes from one sender. Default: 200."
    )
    orders: Annotated[str, AfterValidator(_order_source)] | None = Field(
        None,
        description="Where payment orders are looked up: an absolute path (.jsonl or .csv), or "
        "postgresql://…?table=NAME. Default: nowhere.",
    )
    metrics_host: str = Field("127.0.0.1", description="Where the processes answer Prometheus. Default: 127.0.0.1.")
    metrics_port: int = Field(
        0, ge=0, le=65535, description="Port on which a process answers Prometheus. Default: 0, any that is free."
    )

    def key(self) -> bytes:
        """Return the service key, made at first use. All processes of a deployment must have the same."""
        if self.service_key is not None:
            return self.service_key.encode()
        file = self.data_dir / "service.key"
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            # Linked when it is complete, so that of two processes at once both read the same key.
            new = file.with_suffix(f".{secrets.token_hex(8)}")
            new.touch(0o600)
            new.write_text(secrets.token_hex(32))
            with suppress(FileExistsError):
                os.link(new, file)
            new.unlink()
        return file.read_bytes()


def load_settings() -> Settings:
    """Read the environment; raises InvalidInput naming the variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "COMPLAINTS_" + "_".join(map(str, first["loc"])).upper()
        raise InvalidInput(f"{name} is {first.get('input')!r}: {first['msg']}", hint="see the README") from None

"""Runs the HTTP API as a process."""

from __future__ import annotations

import errno
import json
import logging
import os
import socket

import uvicorn

from adapters.execute import open_ledger
from api.http import create_app
from api.running import address_file, read_address
from api.settings import Settings
from domain.errors import InvalidInput

DEFAULT_PORT = 8000
log = logging.getLogger("api")


def serve(settings: Settings, database_url: str) -> None:
    """Serve until SIGTERM or SIGINT; requests that are under way are finished."""
    listening = _listen(settings.api_host, settings.api_port)
    host, port = listening.getsockname()[:2]
    file = address_file(settings.data_dir)
    file.parent.mkdir(parents=True, exist_ok=True)
    note = file.with_suffix(f".{os.getpid()}")
    note.write_text(json.dumps({"url": f"http://{host}:{port}", "pid": os.getpid()}))
    note.replace(file)
    log.info("listening on http://%s:%d", host, port)
    ledger = open_ledger(database_url)
    try:
        app = create_app(ledger, settings.key(), settings.requests_per_s)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, timeout_graceful_shutdown=10, limit_concurrency=1_000
        )
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        ledger.close()
        if read_address(settings.data_dir) == f"http://{host}:{port}":
            file.unlink()


def _listen(host: str, port: int | None) -> socket.socket:
    wanted = [port] if port is not None else [DEFAULT_PORT, 0]
    for candidate in wanted:
        listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, candidate))
            return listening
        except OSError as error:
            listening.close()
            if error.errno != errno.EADDRINUSE or candidate == wanted[-1]:
                raise InvalidInput(
                    f"the HTTP API cannot listen on {host}:{candidate} ({error.strerror})",
                    hint="set COMPLAINTS_API_PORT to a free port, or to 0 for any",
                ) from None
    raise AssertionError("unreachable: the last candidate raises")

"""Runs the HTTP API as a process."""

from __future__ import annotations

import logging
from types import FrameType

import uvicorn

from adapters.embedded.address import join, listen_alone, reached_at
from adapters.execute import open_ledger
from adapters.orders import open_orders
from api.http import create_app
from api.running import api_ports
from api.settings import Settings
from domain.errors import InvalidInput

log = logging.getLogger("api")


class _Server(uvicorn.Server):
    """Ends the streams of events when told to stop; uvicorn only waits for them."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.config.app.state.progress.end()  # type: ignore[union-attr]
        super().handle_exit(sig, frame)


def serve(settings: Settings, database_url: str, share_port: bool = False) -> None:
    """Serve until SIGTERM or SIGINT; requests that are under way are finished.

    With ``share_port``, other processes may listen on the same port in the same way. Raises ServicesError when the
    address cannot be had.
    """
    if not share_port:
        listening = listen_alone(settings.api_host, api_ports(settings.api_port))
    elif settings.api_port:
        listening = join(settings.api_host, settings.api_port)
    else:
        raise InvalidInput("processes that share a port must be told which", hint="set COMPLAINTS_API_PORT")
    host, port = listening.getsockname()[:2]
    log.info("listening on http://%s", reached_at(host, port))
    ledger = open_ledger(database_url)
    try:
        orders = None if settings.orders is None else open_orders(settings.orders)
        app = create_app(ledger, settings.key(), settings.requests_per_s, orders)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, timeout_graceful_shutdown=10, limit_concurrency=1_000
        )
        _Server(config).run(sockets=[listening])
    finally:
        ledger.close()

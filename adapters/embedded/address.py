"""One address for several processes: chosen once, then shared by those who listen on it.

Where the system has SO_REUSEPORT, each process listens on a socket of its own; Linux spreads new connections over those
that live, so that one that dies takes nobody else's with it.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence

from adapters.embedded.process import ServicesError

CAN_SHARE = hasattr(socket, "SO_REUSEPORT")
REMEDY = (
    "set COMPLAINTS_API_PORT to a free port, or to 0 for any, and COMPLAINTS_API_HOST to an address of this machine"
)


def listen_alone(host: str, ports: Sequence[int]) -> socket.socket:
    """Listen on the first of `ports` (0: any) that nobody has. Raises ServicesError when there is none."""
    *first, last = ports
    for port in first:
        try:
            return _listen(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise _refusal(host, port, error) from None
    try:
        return _listen(host, last)
    except OSError as error:
        raise _refusal(host, last, error) from None


def hold(host: str, ports: Sequence[int]) -> tuple[int, socket.socket | None]:
    """Keep the first of `ports` (0: any) that nobody has for those who `join` it, until the socket is closed.

    The socket does not listen: while nobody has joined, connections are refused. Where ports cannot be shared there is
    none, and the port is only one that was free. Raises ServicesError.
    """
    with listen_alone(host, ports) as trial:
        port: int = trial.getsockname()[1]
    if not CAN_SHARE:
        return port, None
    held = join(host, port)
    # With it, a server of somebody else could listen here whenever none of ours does.
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    return port, held


def join(host: str, port: int) -> socket.socket:
    """Bind to an address that others who joined it have too. Raises ServicesError."""
    if not CAN_SHARE:
        raise ServicesError("several processes cannot share a port on this system, which has no SO_REUSEPORT")
    shared = _socket(host)
    try:
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        shared.bind((host, port))
    except OSError as error:
        shared.close()
        raise _refusal(host, port, error) from None
    return shared


def reached_at(host: str, port: int) -> str:
    """The host:port at which a client on this machine finds a server that listens there."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _listen(host: str, port: int) -> socket.socket:
    alone = _socket(host)
    try:
        alone.bind((host, port))
        # A bound port may turn out to be held by somebody else only now.
        alone.listen()
    except OSError:
        alone.close()
        raise
    return alone


def _socket(host: str) -> socket.socket:
    # Named as TCP, or asyncio would leave Nagle's algorithm on, which costs 40 ms an answer.
    new = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    new.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return new


def _refusal(host: str, port: int, error: OSError) -> ServicesError:
    return ServicesError(f"cannot listen on {host}:{port} ({error.strerror}); {REMEDY}")

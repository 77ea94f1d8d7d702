"""Connections that can be cut, stalled and delayed: every process reaches every server through a link of this."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

CHUNK = 65_536


class Link:
    """Listens at ``port`` of 127.0.0.1 and passes on to a port that may change. Its methods may be called anywhere."""

    def __init__(self, network: Network, name: str, target: Callable[[], int | None]) -> None:
        self.name = name
        self.port = 0
        self._network, self._target = network, target
        self._delay_s = 0.0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._ends: set[asyncio.StreamWriter] = set()
        #: Local ports of the connections to the target: what a server sees as its client's.
        self.ports_at_target: set[int] = set()

    def cut(self) -> None:
        """Reset all connections."""
        self._network.call(self._cut)

    def stall(self) -> None:
        """Carry nothing more, but keep the connections and accept new ones."""
        self._network.call(self._flowing.clear)

    def delay(self, seconds: float) -> None:
        """Hold everything back for so long."""
        self._delay_s = seconds

    def heal(self) -> None:
        """Carry everything at once again."""
        self._delay_s = 0.0
        self._network.call(self._flowing.set)

    def _cut(self) -> None:
        for end in list(self._ends):
            _reset(end)

    async def listen(self) -> None:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.add(writer)
        local, far = 0, None
        try:
            target = self._target()
            if target is None:
                raise ConnectionRefusedError
            far_reader, far = await asyncio.open_connection("127.0.0.1", target)
            self._ends.add(far)
            local = far.get_extra_info("sockname")[1]
            self.ports_at_target.add(local)
            ways = [asyncio.ensure_future(way) for way in (self._carry(reader, far), self._carry(far_reader, writer))]
            _, other = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in other:
                way.cancel()
        except OSError:
            _reset(writer)
        finally:
            self.ports_at_target.discard(local)
            for end in (writer, far):
                if end is not None:
                    self._ends.discard(end)
                    end.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()


def _reset(end: asyncio.StreamWriter) -> None:
    # Without lingering, closing sends RST.
    with suppress(OSError):
        end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.transport.abort()


class Network:
    """The links of a cluster, carried by one thread."""

    def __init__(self) -> None:
        self.links: list[Link] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._thread.start()

    def link(self, name: str, target: Callable[[], int | None]) -> Link:
        """Make a link to the port that ``target`` answers at the time of each connection."""
        link = Link(self, name, target)
        self._run(link.listen())
        self.links.append(link)
        return link

    def call(self, function: Callable[[], None]) -> None:
        """Run ``function`` in the thread, and wait for it."""

        async def run() -> None:
            function()

        self._run(run())

    def close(self) -> None:
        for link in self.links:
            link.cut()
        self._run(_settle())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        done: Future[None] = asyncio.run_coroutine_threadsafe(work, self._loop)
        done.result(10)


async def _settle() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)

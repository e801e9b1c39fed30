"""The stream of a link on a socket of its own, which the event loop reads and writes itself.

`grpc.aio` hands every message over between its threads and the loop, which costs a lone call more than all else on
its way. Here the loop that waits for the socket is the one that runs the call.

A loop that a long computation holds up reads nothing, and the bridge must not take its connection for dead: so a
thread looks every few seconds whether something waits to be read, and answers what only asks for a sign of life.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from typing import TYPE_CHECKING

from .http2 import Exchange, Http2Error

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DirectStream", "is_direct", "open_direct"]

CONNECT_TIMEOUT = 5.0
"""Seconds within which an address must answer."""
_READ_BYTES = 256 * 1024
_LOOK_INTERVAL = 5.0
# After so long without a byte the other side is asked for one, and has so long to answer.
_SILENCE, _PATIENCE = 20.0, 10.0
_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")


def is_direct(address: str) -> bool:
    """Reports whether the address can be dialled here; anything out of the ordinary is left to grpc."""
    if sys.platform == "win32":  # its loop cannot wait for a socket
        return False
    if address.startswith("unix:"):
        return True
    has_scheme = address.partition(":")[0] in {"unix-abstract", "dns", "ipv4", "ipv6"}
    return not has_scheme and not any(os.environ.get(name) for name in _PROXIES)


async def open_direct(address: str, path: str) -> DirectStream:
    """Connects and begins a stream.

    Args:
        address: One for which :func:`is_direct` holds.
        path: Of the method, "/package.Service/Method".

    Raises:
        OSError: Nobody listens there.
        asyncio.TimeoutError: Nobody answers there.
    """
    if address.startswith("unix:"):
        place = address.removeprefix("unix:")
        place = "/" + place.lstrip("/") if place[0] == "/" else place
        return DirectStream(await _connected(socket.AF_UNIX, place), Exchange(path, "localhost"))
    host, _, port = address.rpartition(":")
    look_up = asyncio.get_running_loop().getaddrinfo(
        host.strip("[]"), int(port), type=socket.SOCK_STREAM
    )
    places = await asyncio.wait_for(look_up, CONNECT_TIMEOUT)
    failure: Exception = OSError(f"{host!r} has no address")
    for family, _, _, _, place in places:
        try:
            sock = await _connected(family, place, CONNECT_TIMEOUT / len(places))
        except (OSError, asyncio.TimeoutError) as error:
            failure = error
            continue
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return DirectStream(sock, Exchange(path, address))
    raise failure


async def _connected(family: int, place: object, timeout: float = CONNECT_TIMEOUT) -> socket.socket:
    loop = asyncio.get_running_loop()
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.wait_for(loop.sock_connect(sock, place), timeout)  # pyright: ignore[reportArgumentType]
    except BaseException:
        sock.close()
        raise
    return sock


class DirectStream:
    """A bidirectional gRPC stream, with messages as bytes; belongs to one loop. Made by :func:`open_direct`."""

    def __init__(self, sock: socket.socket, exchange: Exchange) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self._exchange = exchange
        # Held while socket or exchange are used: by the loop, or by the thread that stands in for it.
        self._lock = threading.Lock()
        self._failure: Exception | None = None
        self._receive: Callable[[bytes], None] | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._awaits_room = False
        self._heard, self._asked = True, False
        self._closed = threading.Event()
        self._loop.add_reader(sock, self._on_readable)
        self._timer = self._loop.call_later(_SILENCE, self._on_silence)
        self._flush()
        threading.Thread(target=self._stand_in, name="link stand-in", daemon=True).start()

    # --- reading ---

    async def read(self) -> bytes | None:
        """The next message; None at the end.

        Raises:
            OSError: The connection broke.
        """
        while not self._exchange.messages:
            if self._is_over():
                return None
            await self._news()
        with self._lock:
            return self._exchange.take()

    async def deliver(self, receive: Callable[[bytes], None]) -> None:
        """Gives each message to a function, in the very step of the loop that reads it, until the end.

        Raises:
            OSError: The connection broke. Or whatever the function raises.
        """
        self._receive = receive
        self._hand_over()
        while not self._is_over():
            await self._news()

    def _is_over(self) -> bool:
        if self._failure is not None:
            raise self._failure
        return self._exchange.ended

    async def _news(self) -> None:
        self._reader = self._loop.create_future()
        await self._reader

    def _on_readable(self) -> None:
        self._pump()
        try:
            self._hand_over()
        except Exception as error:  # noqa: BLE001 - it belongs to the one who reads
            self._receive = None
            if self._reader is not None and not self._reader.done():
                self._reader.set_exception(error)

    def _pump(self) -> bool:
        """Reads what there is, and answers what the connection itself asks; says whether there was something."""
        with self._lock:
            try:
                data = self._socket.recv(_READ_BYTES)
                if not data:
                    raise Http2Error("the other side closed the connection")
                self._heard = True
                self._exchange.feed(data)
                self._send()
            except (BlockingIOError, InterruptedError):
                return False
            except OSError as error:
                self._failure = self._failure or error
        return True

    def _hand_over(self) -> None:
        messages, receive = self._exchange.messages, self._receive
        while messages and receive is not None:
            with self._lock:
                message = self._exchange.take()
            receive(message)
        if self._exchange.out or self._writer is not None:
            self._flush()
        over = self._failure is not None or self._exchange.ended
        if over:
            self._loop.remove_reader(self._socket)
        if over or receive is None:
            _wake(self._reader)

    # --- writing ---

    async def write(self, message: bytes) -> None:
        """Sends a message; returns when the next may be given.

        Raises:
            OSError: The connection broke, or the stream has ended.
        """
        if self._is_over():
            raise Http2Error("the other side ended the stream")
        with self._lock:
            self._exchange.send(message)
        self._flush()
        while self._exchange.out or self._exchange.holds_back:
            self._writer = self._loop.create_future()
            await self._writer
            if self._is_over():
                return

    async def done_writing(self) -> None:
        """Says that no message follows."""
        with self._lock:
            self._exchange.end()
        self._flush()

    def _flush(self) -> None:
        """Sends what may be sent, and comes back when there is room for the rest."""
        if self._closed.is_set():
            return
        with self._lock:
            try:
                self._send()
            except OSError as error:
                self._failure = self._failure or error
                _wake(self._reader)
            rest = bool(self._exchange.out) and self._failure is None
        if rest is not self._awaits_room:
            self._awaits_room = rest
            if rest:
                self._loop.add_writer(self._socket, self._flush)
            else:
                self._loop.remove_writer(self._socket)
        if not rest:
            _wake(self._writer)

    def _send(self) -> None:
        out = self._exchange.out
        try:
            while out:
                del out[: self._socket.send(out)]
        except (BlockingIOError, InterruptedError):
            return

    # --- signs of life ---

    def _on_silence(self) -> None:
        wait = _SILENCE
        if self._heard:
            self._asked = False
        elif not self._asked:
            self._asked, wait = True, _PATIENCE
            with self._lock:
                self._exchange.ping()
            self._flush()
        else:
            self._failure = Http2Error(f"no sign of life for {_SILENCE + _PATIENCE:g} s")
            self._hand_over()
            return
        self._heard = False
        self._timer = self._loop.call_later(wait, self._on_silence)

    def _stand_in(self) -> None:
        """Reads for a loop that does not come to it; what it finds waits for the loop."""
        while not self._closed.wait(_LOOK_INTERVAL):
            if not self._failure and not self._exchange.ended and self._pump():
                try:
                    self._loop.call_soon_threadsafe(self._on_readable)
                except RuntimeError:  # the loop was closed
                    return

    # --- the end ---

    def cancel(self) -> bool:
        """Closes the connection."""
        if self._closed.is_set():
            return False
        self._closed.set()
        self._timer.cancel()
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        with self._lock:
            self._socket.close()
        self._failure = self._failure or Http2Error("the stream was closed")
        _wake(self._reader)
        _wake(self._writer)
        return True


def _wake(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)

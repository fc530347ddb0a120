"""A small HTTP/1.1 server on asyncio: keep-alive, bounded requests, one handler per listener.

Each simulated service is a listener with a handler: (Request) -> Response. A further service (a
log store) is one module with such a handler; registry.py is an example.
"""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

HEAD_MAX = 32 * 1024
BODY_MAX = 1024 * 1024
_REASON = {200: "OK", 201: "Created", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
           405: "Method Not Allowed", 413: "Content Too Large", 431: "Request Header Fields Too Large",
           500: "Internal Server Error", 503: "Service Unavailable"}


@dataclass
class Request:
    method: str
    path: str
    query: dict
    headers: dict  # names in lower case
    body: bytes = b""
    pairs: list = field(default_factory=list)  # the query again, for names that come more than once


@dataclass
class Response:
    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: dict = field(default_factory=dict)


class _Malformed(Exception):
    def __init__(self, status):
        super().__init__(status)
        self.status = status


class _Connection(asyncio.Protocol):
    def __init__(self, listener):
        self.listener = listener
        self.buffer = b""
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport
        self.listener.connections.add(transport)

    def connection_lost(self, _exc):
        self.listener.connections.discard(self.transport)

    def data_received(self, data):
        self.buffer += data
        try:
            while not self.transport.is_closing():
                request = self._next_request()
                if request is None:
                    return
                self._answer(request)
        except _Malformed as err:
            self._send(Response(err.status, b"malformed request\n"), close=True)

    def _next_request(self):
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self.buffer) > HEAD_MAX:
                raise _Malformed(431)
            return None
        lines = self.buffer[:end].decode("latin-1").split("\r\n")
        try:
            method, target, _version = lines[0].split(" ")
            headers = {k.strip().lower(): v.strip() for k, v in (line.split(":", 1) for line in lines[1:])}
            length = int(headers.get("content-length", "0"))
        except ValueError:
            raise _Malformed(400) from None
        if "transfer-encoding" in headers or length < 0:
            raise _Malformed(400)
        if length > BODY_MAX:
            raise _Malformed(413)
        if len(self.buffer) < end + 4 + length:
            return None
        body = self.buffer[end + 4:end + 4 + length]
        self.buffer = self.buffer[end + 4 + length:]
        url = urlsplit(target)
        pairs = parse_qsl(url.query, keep_blank_values=True)
        return Request(method, url.path, dict(pairs), headers, body, pairs)

    def _answer(self, request):
        try:
            response = self.listener.handler(request)
        except Exception as err:  # a bug in one handler must not stop the world
            self.listener.report(f"{request.method} {request.path}: {err!r}")
            response = Response(500, b"internal error\n")
        self._send(response, close=request.headers.get("connection", "").lower() == "close",
                   head_only=request.method == "HEAD")

    def _send(self, response, close, head_only=False):
        head = [f"HTTP/1.1 {response.status} {_REASON.get(response.status, 'Status')}",
                f"Content-Type: {response.content_type}", f"Content-Length: {len(response.body)}"]
        head += [f"{k}: {v}" for k, v in response.headers.items()]
        if close:
            head.append("Connection: close")
        self.transport.write("\r\n".join(head).encode() + b"\r\n\r\n" + (b"" if head_only else response.body))
        if close:
            self.transport.close()


class Listener:
    """One address with one handler. It can be closed and opened again (a crash and a restart)."""

    def __init__(self, address, port, handler, report):
        self.address, self.port = address, port
        self.handler, self.report = handler, report
        self.connections = set()
        self._server = None

    async def open(self):
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(
                lambda: _Connection(self), self.address, self.port, reuse_address=True)
            self.port = self._server.sockets[0].getsockname()[1]  # the one found, where 0 was asked for

    def close(self):
        """At once: new connections are refused, present ones are reset."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for transport in list(self.connections):
            transport.abort()

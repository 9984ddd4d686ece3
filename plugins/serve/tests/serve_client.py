"""A plain client: a request is bytes on a socket, so that hostile ones can be written too."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

JSON = {"Content-Type": "application/json"}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    address: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, method: str = ""
) -> Answer:
    """One request; a body that is no bytes goes as JSON."""
    given = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    sent = dict(headers or ({} if body is None or isinstance(body, bytes) else JSON))
    where = urlsplit(address)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)
    try:
        connection.request(method or ("GET" if body is None else "POST"), path, given, sent)
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()


def connected(address: str, seconds: float = 10) -> socket.socket:
    where = urlsplit(address)
    return socket.create_connection((where.hostname, where.port), timeout=seconds)


def raw(address: str, content: bytes, seconds: float = 10) -> bytes:
    """What a server says to these bytes, until it closes or `seconds` pass."""
    with connected(address, seconds) as link:
        said = b""
        try:
            link.sendall(content)
            while part := link.recv(65536):
                said += part
                if b"\r\n\r\n" in said and _whole(said):
                    break
        except (TimeoutError, ConnectionError):
            pass
        return said


def _whole(said: bytes) -> bool:
    head, _, body = said.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return False

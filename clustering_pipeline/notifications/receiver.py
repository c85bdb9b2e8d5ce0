"""Where a receiver is: its URL in parts, and the addresses behind its name."""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from clustering_pipeline.model.errors import ReceiverRefused
from clustering_pipeline.notifications.addresses import Address, read

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One address to connect to, as sockets want it."""

    family: int
    address: Address
    socket_address: Any


Resolve = Callable[[str, int], Sequence[Place]]
"""Name and port to places; raises OSError for a name that nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """The parts of a URL."""

    scheme: str
    host: str
    port: int
    path: str
    """With what stands behind the ``?``."""

    @property
    def secure(self) -> bool:
        """Whether it speaks TLS."""
        return self.scheme == "https"


def receiver_of(url: str) -> Receiver:
    """The parts; raises ReceiverRefused for what is no plain address of the web."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        message = f"the url cannot be read ({error}): give an address that begins with https://"
        raise ReceiverRefused(message) from error
    if problem := _problem(url, parts):
        message = f"the url {problem}: give the address of an HTTPS endpoint"
        raise ReceiverRefused(message)
    return Receiver(
        scheme=parts.scheme,
        host=str(parts.hostname),
        port=PORTS[parts.scheme] if port is None else port,
        path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    )


def resolve(host: str, port: int) -> list[Place]:
    """What the system knows of a name; numbers in any notation are names too."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        # A label that is empty or too long.
        message = f"{host[:80]!r} is no name"
        raise OSError(message) from error
    return [
        Place(family=family, address=read(str(where[0])), socket_address=where)
        for family, _, _, _, where in found
    ]


def _problem(url: str, parts: SplitResult) -> str | None:
    if not (url.isascii() and url.isprintable()) or " " in url or "\\" in url:
        return "holds characters that must be percent-encoded"
    if parts.scheme not in PORTS or not parts.hostname:
        return "does not begin with https:// (or http://) and a host"
    if parts.username is not None or parts.password is not None or "#" in url:
        return "holds a user, a password or a #"
    return None

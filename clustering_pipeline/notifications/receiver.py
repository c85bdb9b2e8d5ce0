"""Where a receiver is: its URL in parts, the addresses behind its name, and which of those anybody
may have us connect to: public ones, and those that a setting allows.
"""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, urlsplit

from clustering_pipeline.model.errors import ReceiverRefused

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Public by their numbers, served to machines by the platform they run on.
_PLATFORM = (ip_network("168.63.129.16/32"), ip_network("192.0.0.0/24"))
# Of IPv6, only this is for everybody; what lies outside may still lead to this machine.
_UNICAST = ip_network("2000::/3")
_TRANSLATED = ip_network("64:ff9b::/96")


def is_allowed(address: Address, networks: Sequence[Network]) -> bool:
    """Whether an address lies in one of the networks, written as IPv4 or as IPv6."""
    meant = _mapped(address) or address
    return any(meant in network for network in networks)


def is_public(address: Address) -> bool:
    """Whether everybody reaches the same machine under it, and it tells nobody secrets.

    An IPv6 address that stands for one of IPv4 is what that one is.
    """
    if isinstance(address, IPv4Address):
        served = any(address in network for network in _PLATFORM)
        return address.is_global and not address.is_multicast and not served
    inner = _mapped(address) or address.sixtofour or _translated(address)
    if inner is not None:
        return is_public(inner)
    return address in _UNICAST and address.is_global


def address_of(text: str) -> Address:
    """An address as the system tells it, without its zone."""
    return ip_address(text.partition("%")[0])


def _mapped(address: Address) -> IPv4Address | None:
    return address.ipv4_mapped if isinstance(address, IPv6Address) else None


def _translated(address: IPv6Address) -> IPv4Address | None:
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _TRANSLATED else None


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
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        # A label that is empty or too long.
        message = f"{host[:80]!r} is no name"
        raise OSError(message) from error
    return [
        Place(family=family, address=address_of(str(where[0])), socket_address=where)
        for family, _, _, _, where in answers
    ]


def _problem(url: str, parts: SplitResult) -> str | None:
    if not (url.isascii() and url.isprintable()) or " " in url or "\\" in url:
        return "holds characters that must be percent-encoded"
    if parts.scheme not in PORTS or not parts.hostname:
        return "does not begin with https:// (or http://) and a host"
    if parts.username is not None or parts.password is not None or "#" in url:
        return "holds a user, a password or a #"
    return None

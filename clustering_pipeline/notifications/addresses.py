"""Which addresses anybody may have us connect to: public ones, and those that a setting allows."""

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

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


def read(text: str) -> Address:
    """An address as the system tells it, without its zone."""
    return ip_address(text.partition("%")[0])


def _mapped(address: Address) -> IPv4Address | None:
    return address.ipv4_mapped if isinstance(address, IPv6Address) else None


def _translated(address: IPv6Address) -> IPv4Address | None:
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _TRANSLATED else None

"""Rules for network addresses that may be requested on behalf of a user who only starts a run."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from airflow_mlcraft.errors import RefusedError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA = (ipaddress.ip_network("fd00:ec2::/32"), ipaddress.ip_network("100.100.100.200/32"))
"""Addresses besides the link-local ones at which clouds provide a machine's credentials."""
_CONNECTED = "connection.connect_tcp.complete"
_STARTED = "connection.connect_tcp.started"


@dataclass(frozen=True)
class AddressRules:
    """The rules of the settings and the document. `trusted` hosts are not checked further."""

    trusted: Collection[str] = ()
    """Hosts that the document itself names, in lower case."""
    allowed: Collection[str] = ()
    """Hosts of the setting allowed_hosts, as patterns. If there are any, requests to other hosts are refused."""
    private: bool = False
    """Whether private and loopback addresses are allowed. Link-local ones, with a cloud's credentials, never are."""

    def is_known(self, host: str) -> bool:
        """Whether the document or the setting names a host."""
        host = host.lower().rstrip(".")
        return host in self.trusted or any(fnmatchcase(host, pattern.lower()) for pattern in self.allowed)

    def is_named(self, url: str) -> bool:
        """Whether the document itself names the host of an address."""
        return (urlsplit(url).hostname or "").lower() in self.trusted

    def check(self, url: str, *, listed: bool = True) -> None:
        """Raise `RefusedError` for a host that is not allowed. Without `listed`, only its addresses are checked."""
        host = urlsplit(url).hostname or ""
        if self.is_known(host):
            return
        if listed and self.allowed:
            raise RefusedError(
                f"data may not be fetched from {host} here; expected one of {', '.join(sorted(self.allowed))} "
                "([mlcraft] allowed_hosts)"
            )
        for address in _addresses(host):
            self.check_peer(host, address)

    def check_peer(self, host: str, peer: str) -> None:
        """Raise `RefusedError` if a host's address is not allowed."""
        address = _parse_address(peer)
        if self.is_known(host) or address is None or is_public(address):
            return
        if self.private and not _is_link_local(address):
            return
        raise RefusedError(
            f"{host} has the address {address}, which is not a public one, and is not asked on behalf of a run; "
            "an administrator can name the host in [mlcraft] allowed_hosts"
        )

    def trace(self, url: str) -> Callable[[str, dict[str, Any]], None]:
        """An httpx `trace` extension: checks the address that was really connected to, before anything is sent.

        A proxy, which the worker's own settings name, may have a private address.
        """
        host, sent_host = _host_of(url), _sent_host_of(url)
        proxies = {_host_of(proxy) for proxy in getproxies().values()} - {sent_host}
        connected_host = ""

        def trace(event: str, info: dict[str, Any]) -> None:
            nonlocal connected_host
            if event == _STARTED:
                connected_host = _text(info.get("host")).lower()
            elif event == _CONNECTED and connected_host not in proxies:
                peer = info["return_value"].get_extra_info("server_addr")
                # The rules have names as users write them; httpx sends ü as xn--tda.
                self.check_peer(host if connected_host == sent_host else connected_host, str(peer[0]) if peer else "")

        return trace


def is_public(address: Address) -> bool:
    """Whether an address is public, also in the forms of IPv6 that contain an address of IPv4."""
    embedded = _embedded_ipv4(address)
    if embedded is not None:
        return is_public(embedded)
    return address.is_global and not address.is_multicast and not any(address in network for network in _METADATA)


def _is_link_local(address: Address) -> bool:
    embedded = _embedded_ipv4(address)
    if embedded is not None:
        return _is_link_local(embedded)
    return address.is_link_local or any(address in network for network in _METADATA)


def _embedded_ipv4(address: Address) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in ipaddress.ip_network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _host_of(address: str) -> str:
    return (urlsplit(address if "://" in address else f"//{address}").hostname or "").lower()


def _sent_host_of(url: str) -> str:
    """The host as httpx sends it, which is ASCII."""
    import httpx

    try:
        return httpx.URL(url).raw_host.decode("ascii").lower()
    except httpx.InvalidURL:
        return _host_of(url)


def _addresses(host: str) -> list[str]:
    """The addresses of a host; none if this machine cannot resolve it, although a proxy might."""
    try:
        return [str(infos[4][0]) for infos in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        return []


def _parse_address(peer: str) -> Address | None:
    try:
        return ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return None


def _text(value: object) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value or "")

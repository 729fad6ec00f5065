"""What a proxy says of the client that it speaks for; believed of proxies at configured addresses only."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Proxies:
    """The networks that proxies of the operator's speak from; none, and nobody is believed."""

    networks: Sequence[Network] = ()

    @classmethod
    def of(cls, networks: Iterable[str]) -> Proxies:
        """From text such as 10.0.0.7 or 192.168.0.0/24; `ValueError` where one is none."""
        return cls(tuple(ipaddress.ip_network(each) for each in networks))

    def include(self, address: str) -> bool:
        """Whether a proxy speaks from that address."""
        at = _address(address)
        return at is not None and any(at in network for network in self.networks)

    def client(self, peer: str, headers: Headers) -> str:
        """The address of the client that `peer` speaks for, by X-Forwarded-For; else `peer`.

        Each proxy adds whom it heard from at the end: the last address that is no proxy of ours is the one that our
        proxies vouch for, and what stands before it is hearsay.
        """
        if not self.include(peer):
            return peer
        forwarded = b",".join(value for name, value in headers if name == b"x-forwarded-for").decode("latin-1")
        for each in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
            at = _address(each)
            if at is None:
                return peer
            if not self.include(str(at)):
                return str(at)
        return peer

    def scheme(self, peer: str, headers: Headers) -> str | None:
        """http or https, where `peer` is a proxy and says by X-Forwarded-Proto which one its client speaks."""
        if not self.include(peer):
            return None
        forwarded = [value.decode("latin-1").strip().lower() for name, value in headers if name == b"x-forwarded-proto"]
        return forwarded[0] if len(forwarded) == 1 and forwarded[0] in ("http", "https") else None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address in `text`, which may be in brackets or have a port."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        at = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = at.ipv4_mapped if isinstance(at, ipaddress.IPv6Address) else None
    return mapped or at

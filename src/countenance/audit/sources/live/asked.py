"""Which service was asked, as far as that is known: a server that speaks a product's language is not the product."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from countenance.audit.formats.plan import LiveApi, System
from countenance.audit.formats.results import AskedService, ModelUsed
from countenance.audit.sources.live.adapter.description import AdapterFile

_PRODUCTS: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    "rekognition": ("Amazon Rekognition", ("amazonaws.com", "amazonaws.com.cn"), r"\b(amazon|aws|rekognition)\b"),
    "azure-face": (
        "Azure Face",
        ("azure.com", "azure.us", "azure.cn", "microsoft.com"),
        r"\b(microsoft|azure)\b",
    ),
}
"""By client: the product, the domains of its maker, and words that name either."""


def host_of(endpoint: str) -> str:
    """Host and, where the address names one, port: "127.0.0.1:8080"."""
    return urlsplit(endpoint).netloc.rpartition("@")[2].lower()


def product_at(client: str, endpoint: str, file: AdapterFile | None) -> tuple[str, bool]:
    """The product that answers at `endpoint`, and whether it is the one whose language is spoken there."""
    if file is None:
        product, domains, _ = _PRODUCTS[client]
        own = _within(endpoint, domains)
    else:
        product = file.adapter.name
        described = urlsplit(file.adapter.endpoint).hostname or ""
        own = _local(described) or described == (urlsplit(endpoint).hostname or "")
    return (product if own else f"a server that speaks the language of {product}"), own


def asked_of(source: LiveApi, endpoint: str, models: Sequence[ModelUsed], file: AdapterFile | None) -> AskedService:
    """What is known about the service behind a cassette. models: as its header has them."""
    by_role: dict[str, list[ModelUsed]] = {}
    for model in models:
        by_role.setdefault(model.role, []).append(model)
    stated = [model for model in by_role.get("model", ()) if not model.version.startswith("not stated")]
    version = f"{stated[0].name} {stated[0].version}" if stated else "not told by the service"
    through = [f"{model.name} {model.version}" for role in ("client", "adapter") for model in by_role.get(role, ())]
    return AskedService(
        host_of(endpoint), product_at(source.client, endpoint, file)[0], version, ", ".join(through[:1])
    )


def system_asked(system: System, source: LiveApi, endpoint: str, file: AdapterFile | None) -> tuple[System, str]:
    """The system as it is to be named, and what must be said where the plan names another one than was asked.

    A name or provider that is the product's own is not that of somebody else's server which speaks its language.
    """
    own = product_at(source.client, endpoint, file)[1]
    if own or not endpoint:
        return system, ""
    names = _PRODUCTS[source.client][2] if file is None else re.escape(file.adapter.name)
    wrong = [field for field in (system.name, system.provider) if re.search(names, field, re.I)]
    if not wrong:
        return system, ""
    fields = " of ".join(repr(field) for field in wrong)
    host = host_of(endpoint)
    product = file.adapter.name if file is not None else _PRODUCTS[source.client][0]
    return System(f"the server at {host}", system.version, "not stated"), (
        f"the plan calls the system {fields}, and asked was {host}, which is not the maker's: this is about the server "
        f"there, whatever it is, and not about {product}"
    )


def _within(endpoint: str, domains: Sequence[str]) -> bool:
    host = urlsplit(endpoint).hostname or ""
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def _local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost" or host.endswith((".local", ".localhost", ".internal"))

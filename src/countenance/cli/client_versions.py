"""The first versions of AWS's clients that know AWS_ENDPOINT_URL_REKOGNITION; older ones send everything to AWS."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

MINIMA: Mapping[str, str] = MappingProxyType(
    {
        "boto3": "1.28",
        "AWS CLI 1": "1.29",
        "AWS CLI 2": "2.13",
        "JavaScript SDK": "3.454",
    }
)
"""Client (the AWS CLI with its major version) -> version."""


def minima_line() -> str:
    """All of them in a line."""
    return ", ".join(f"{name} {version}" for name, version in MINIMA.items())

"""The names that AWS gives to things."""

from __future__ import annotations

import re

from countenance.api.rekognition.errors import INVALID_PARAMETER, Refused

ACCOUNT = "000000000000"
"""Stands for the AWS account in ARNs: a self-hosted server has none."""

_ARN = re.compile(r"(?:arn:)?aws[a-z-]*:rekognition:[a-z0-9-]+:\d{12}:(collection|streamprocessor)/([a-zA-Z0-9_.\-]+)")


def arn(region: str, kind: str, name: str) -> str:
    """The ARN of a collection or stream processor."""
    return f"arn:aws:rekognition:{region}:{ACCOUNT}:{kind}/{name}"


def named_by(text: str) -> tuple[str, str]:
    """Kind and name in an ARN, with or without "arn:" in front, as CreateCollection and DescribeCollection give it."""
    match = _ARN.fullmatch(text)
    if match is None:
        raise Refused(INVALID_PARAMETER, "ResourceArn is the ARN of a collection or of a stream processor")
    return match[1], match[2]

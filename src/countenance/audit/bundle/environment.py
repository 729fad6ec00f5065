"""What ran an audit: versions of everything that could change a number."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from countenance.audit.formats.results import Environment, ModelUsed

PACKAGES = ("countenance", "numpy", "scipy", "numba", "pyarrow", "openvino", "boto3", "azure-ai-vision-face")


def environment(models: Sequence[ModelUsed] = ()) -> Environment:
    """The running interpreter, the packages that matter, and the models of this audit. No host or user name."""
    return Environment(
        platform.python_version(),
        f"{platform.system()} {platform.machine()}",
        {name: found for name in PACKAGES if (found := _version(name))},
        tuple(models),
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""

"""Countenance: a self-hosted face recognition server that can be held to account, and an auditor for any face system.

For programs: `countenance.metrics` is the auditor's mathematics, `countenance.audit` audits whole systems. What their
`__all__` lists is kept from release to release; everything else is this project's own and may move.
"""

__all__ = ["__version__"]

__version__: str


def __getattr__(name: str) -> str:
    """`__version__` is that of the installed package, looked up when asked for: importing this costs nothing."""
    if name == "__version__":
        from importlib.metadata import version

        return version("countenance")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Countenance: a self-hosted face recognition server that can be held to account, and an auditor for any face system.

For programs: `Client` talks to a server and `open` opens a data folder in process (`countenance.client`),
`countenance.metrics` is the auditor's mathematics, `countenance.audit` audits whole systems. What their `__all__` lists
is kept from release to release; everything else is this project's own and may move.
"""

TYPE_CHECKING = False  # what type checkers take for true; importing typing would cost time
if TYPE_CHECKING:
    from countenance.client.connection import Client
    from countenance.client.embedded import open_home as open  # noqa: A004

__all__ = ["Client", "__version__", "open"]

__version__: str


def __getattr__(name: str) -> object:
    """A public name, looked up when it is first asked for: importing this costs nothing."""
    if name == "__version__":
        from importlib.metadata import version

        return version("countenance")
    if name in ("Client", "open"):
        from importlib import import_module

        module, held = {"Client": ("connection", "Client"), "open": ("embedded", "open_home")}[name]
        public: object = getattr(import_module(f"countenance.client.{module}"), held)
        globals()[name] = public
        return public
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

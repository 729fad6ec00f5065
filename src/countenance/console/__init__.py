"""The console: what a browser shows at the server's address. One more front door, which knows no store.

Every use of a face goes through the guard, every change through `administration`, as with /v1. Pages are whole without
scripts: there are none. Nothing is fetched from elsewhere.
"""

from countenance.console.application import PREFIX, app
from countenance.console.services import ConsoleServices

__all__ = ["PREFIX", "ConsoleServices", "app"]

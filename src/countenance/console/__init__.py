"""The console: what a browser shows at the server's address. One more front door, which knows no store.

Every use of a face goes through the guard, every change through `administration`, as with /v1. Pages are whole without
scripts, which ask for a passkey, follow progress and check proofs. Nothing is fetched from elsewhere.
"""

from countenance.console.application import PREFIX, app
from countenance.console.services import ConsoleServices
from countenance.console.signing_in import PROVIDER_RETURNS, SIGN_IN
from countenance.console.streams import Streams

__all__ = ["PREFIX", "PROVIDER_RETURNS", "SIGN_IN", "ConsoleServices", "Streams", "app"]

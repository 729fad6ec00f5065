"""Progress of long work, for a page that a script follows; without scripts the page asks again by itself."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response

from countenance.console.asked import ConsoleRequest
from countenance.console.streams import Progress


def events(asked: ConsoleRequest, look: Callable[[], Progress]) -> Response:
    """What `look` says, as events, for as long as who asks is signed in with the same roles.

    That is no use of a session: it ends as if nobody looked.
    """

    def lasts() -> bool:
        who = asked.services.accounts.session(asked.by.cookie, used=False)
        return who is not None and who.operator.roles == asked.by.operator.roles

    return asked.services.streams.events(asked.by.cookie, lasts, asked.request.is_disconnected, look)

"""An installation in this process: the same client, without a server. Whoever holds a data folder holds its keys."""

from __future__ import annotations

import os
from pathlib import Path

from countenance.client.connection import Client
from countenance.client.transports import InProcess
from countenance.errors import Unauthenticated


def open_home(
    home: str | os.PathLike[str] | None = None, *, key: str | None = None, token: str | None = None
) -> Client:
    """A client of the data folder `home` in this process; a server may run on the same folder.

    home: by default as for `countenance serve`; other settings come from the environment. key: id of an access key of
    a mandate; its secret lies in the folder. token: of an operator. Models load with the first picture. Close it, or
    use it in a `with` block. `Unauthenticated` if the folder has no such key, `Misconfigured` if it cannot be opened.
    """
    from countenance import administration, settings  # the client of a server needs none of this
    from countenance.app import Countenance

    app = Countenance.open(settings.load() if home is None else settings.load_home(Path(home).expanduser()))
    try:
        secret = None if key is None else app.register.secret_of(key)
        if key is not None and secret is None:
            raise Unauthenticated("there is no such access key in this data folder")
        application = app.native()
    except BaseException:
        app.close()
        raise
    sweep = administration.RetentionSweep(app.custodian.sweep)
    sweep.start()

    def closing() -> None:
        sweep.stop()
        app.close()

    return Client.through(InProcess(application, closing), key, secret, token)

"""Changes to moratoria: one key sets, only a quorum with an outside key lifts; each is in the ledger first."""

from __future__ import annotations

import re

from countenance.administration.journal import Journal
from countenance.errors import AlreadyExists, BadRequest, Conflict, NotFound
from countenance.ledger import Ledger
from countenance.mandates import MoratoriumStore
from countenance.operations import MoratoriaInForce
from countenance.policy.moratorium import (
    MORATORIUM_ID,
    Charter,
    Lifting,
    Moratorium,
    Order,
    Signature,
    consent,
    set_moratorium,
)
from countenance.policy.moratorium_text import text_of
from countenance.signing import JSON


class Moratoria:
    """Sets and lifts the moratoria of one installation."""

    def __init__(self, store: MoratoriumStore, moratoria: MoratoriaInForce, ledger: Ledger) -> None:
        self._store = store
        self._moratoria = moratoria
        self._journal = Journal(ledger, "moratorium")
        self.all = moratoria.all

    def set(self, order: Order, signature: Signature) -> Moratorium:
        """Put a moratorium in force.

        `BadRequest` for an id that is no `MORATORIUM_ID`, `Conflict` without a charter, `AlreadyExists` if the id was
        ever used.
        """
        if not re.fullmatch(MORATORIUM_ID, order.id):
            raise BadRequest("a moratorium's id has 1 to 100 letters, digits and . _ -, the first a letter or digit")
        made = set_moratorium(self._charter(), order, signature)
        if order.id in self._store.all():
            raise AlreadyExists(f"there is a moratorium {order.id!r} already")
        self._record("set", made, {"reason": order.reason}, signature)
        self._store.add(order.id, text_of(made))
        return made

    def consent(self, moratorium_id: str, statute: str, signature: Signature) -> Moratorium:
        """Enter one key's consent to lifting; the moratorium is lifted when the quorum is complete."""
        charter = self._charter()
        text = self._store.all().get(moratorium_id)
        if text is None:
            raise NotFound(f"there is no moratorium {moratorium_id!r}")
        before = self._moratoria.all()[moratorium_id]
        after = consent(before, charter, Lifting(before.order.digest(), statute), signature)
        self._record("lifted" if after.lifted else "consent", after, {"statute": statute}, signature)
        self._store.replace(moratorium_id, text, text_of(after))
        return after

    def _charter(self) -> Charter:
        if self._moratoria.charter is None:
            raise Conflict("no charter names the keys that set and lift moratoria here: set COUNTENANCE_CHARTER")
        return self._moratoria.charter

    def _record(self, change: str, moratorium: Moratorium, more: dict[str, JSON], signature: Signature) -> None:
        order = moratorium.order
        of = {"moratorium": order.id, "order": order.digest()}
        self._journal.record(change, {**of, "by": signature.key.hex(), **more})

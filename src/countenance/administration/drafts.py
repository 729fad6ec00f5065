"""A mandate as requested, through any door: a template fills in what the request leaves out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from countenance.errors import BadRequest
from countenance.mandates import Holder, Terms, template
from countenance.signing import JSON


@dataclass(frozen=True, slots=True)
class MandateDraft:
    """A request for a mandate. template: the name of the template that fills in what is None or empty here. facts:
    further facts by group, in the vocabulary of the rules; they override the template's.
    budget: as `Terms.budget`.
    """

    holder: str
    template: str | None = None
    kind: str | None = None
    powers: tuple[str, ...] = ()
    on_behalf_of: tuple[str, ...] = ()
    tier: str = "none"
    jurisdictions: tuple[str, ...] = ()
    purpose: str | None = None
    legal_basis: str | None = None
    galleries: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    facts: Mapping[str, JSON] = field(default_factory=dict)
    budget: str = ""

    def filled(self) -> tuple[Holder, Terms]:
        """Holder and terms. `NotFound` without such a template, `BadRequest` if something is left to be stated."""
        kind, purpose, legal_basis, operations = self.kind, self.purpose, self.legal_basis, self.operations
        facts = dict(self.facts)
        if self.template is not None:
            form = template(self.template)
            kind, purpose = kind or form.kind, purpose or form.purpose
            legal_basis, operations = legal_basis or form.legal_basis, operations or form.operations
            facts = form.filled(facts)
        if not (purpose and legal_basis and operations):
            raise BadRequest("a mandate needs a purpose, a legal basis and operations, or a template that states them")
        holder = Holder(self.holder, kind or "private", self.powers, self.on_behalf_of, self.tier, self.jurisdictions)
        return holder, Terms(purpose, legal_basis, self.galleries, operations, json.dumps(facts), self.budget)

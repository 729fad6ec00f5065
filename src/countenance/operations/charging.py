"""Charges operations to their mandate's budget, and warns the operator of what looks like an attack."""

from __future__ import annotations

import logging

from countenance.budgets import Budget, Budgets, BudgetState, Defaults, Left, Spending
from countenance.budgets.budget import budget_of
from countenance.database import Transaction
from countenance.errors import BudgetSpent
from countenance.logs import TOLD
from countenance.mandates import Mandate

log = logging.getLogger(__name__)


class BudgetKeeper:
    """The budgets of mandates. defaults: by purpose, from `countenance.budgets.read_defaults`."""

    def __init__(self, budgets: Budgets, defaults: Defaults) -> None:
        self._budgets = budgets
        self._defaults = defaults

    def budget(self, mandate: Mandate) -> Budget:
        """The budget of a mandate; `BadRequest` if the mandate states a malformed one."""
        return budget_of(self._defaults, mandate.terms.purpose, mandate.terms.budget)

    def state(self, mandate: Mandate) -> BudgetState:
        """What the mandate may still do now."""
        return self._budgets.state(mandate.mandate_id, self.budget(mandate))

    def charge(
        self, access_key: str, mandate: Mandate, gallery: str | None, keep_sketches: bool, spending: Spending | None
    ) -> Left | None:
        """Charge a call, if it compares faces; `BudgetSpent` where that is more than is left."""
        if spending is None:
            return None
        budget = self.budget(mandate)
        try:
            left = self._budgets.spend(
                mandate.mandate_id, access_key, gallery, budget, spending, keep_sketches=keep_sketches
            )
        except BudgetSpent as error:
            log.warning(
                "mandate %s: %s",
                mandate.mandate_id,
                error,
                extra={TOLD: {"mandate": mandate.mandate_id, "budget": error.which}},
            )
            raise
        if left.alike and left.left.get("alike", budget.alike) == budget.alike // 2:
            log.warning(
                "mandate %s sends near-duplicates of one picture: half of its budget for that is spent. Somebody may "
                "be changing a picture step by step until it matches; see docs/budgets.md",
                mandate.mandate_id,
            )
        return left

    def check_charge(self, charged: str, transaction: Transaction) -> None:
        """`NotAsRecorded` where the row of a charge is gone or another; charged: what `Left.charged` says."""
        self._budgets.check_charge(charged, transaction)

    def sweep(self) -> None:
        """Delete sums and sketches whose time is over."""
        self._budgets.sweep()

"""How often faces may be compared: budgets by mandate, key, gallery and person, counted in the one database."""

from countenance.budgets.budget import Budget, Defaults, read_defaults
from countenance.budgets.spending import Budgets, BudgetState, Left, Spending

__all__ = ["Budget", "BudgetState", "Budgets", "Defaults", "Left", "Spending", "read_defaults"]

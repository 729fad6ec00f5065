"""A process that spends as fast as it can: python spender.py DATABASE TIMES; prints a line for each success."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from countenance.budgets import Budget, Budgets, Spending
from countenance.database import open_database
from countenance.errors import BudgetSpent

BUDGET = Budget(minute=10**6, day=100, key=10**6, gallery=10**6, subject=10**6, alike=10**6)


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main(path: str, times: int) -> None:
    budgets = Budgets(
        open_database(path if path.startswith("postgresql:") else Path(path)), bytes(32), lambda: datetime.now(UTC)
    )
    say("ready")
    sys.stdin.readline()
    for _ in range(times):
        try:
            budgets.spend("m", "k", "g", BUDGET, Spending(1))
        except BudgetSpent:
            break
        say("spent")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

"""A budget that is spent says when some may be left again, as in the other dialects."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from countenance.api import azure
from countenance.errors import BudgetSpent


class SpentGuard:
    def carry_out(self, *_: Any) -> Any:
        raise BudgetSpent("the budget of the day is spent", "day", retry_after=1234)


class OneSecret:
    def secret_of(self, _: str) -> str:
        return "secret"


def test_a_spent_budget_says_when_to_come_back() -> None:
    async def ask(executor: ThreadPoolExecutor) -> httpx.Response:
        served: Any = azure.app(SpentGuard(), OneSecret(), executor=executor)
        headers = {"ocp-apim-subscription-key": "CNTN:secret", "content-type": "application/octet-stream"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://x") as client:
            return await client.post("/face/v1.2/detect", content=b"a picture", headers=headers)

    with ThreadPoolExecutor(1) as executor:
        answer = asyncio.run(ask(executor))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "QuotaExceeded")
    assert answer.headers["retry-after"] == "1234"

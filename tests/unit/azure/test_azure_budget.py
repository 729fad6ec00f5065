"""A budget that is spent says when some may be left again, where that is soon: Microsoft's clients sleep till then."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from countenance.api import azure
from countenance.errors import BudgetSpent


class SpentGuard:
    def __init__(self, wait_s: int | None) -> None:
        self.wait_s = wait_s

    def carry_out(self, *_: Any) -> Any:
        raise BudgetSpent("the budget is spent", "day", retry_after=self.wait_s)


class OneSecret:
    def secret_of(self, _: str) -> str:
        return "secret"


@pytest.mark.parametrize(("wait_s", "said"), [(60, "60"), (3600, None), (None, None)])
def test_a_spent_budget_says_when_to_come_back_if_that_is_soon(wait_s: int | None, said: str | None) -> None:
    async def ask(executor: ThreadPoolExecutor) -> httpx.Response:
        served: Any = azure.app(SpentGuard(wait_s), OneSecret(), executor=executor)
        headers = {"ocp-apim-subscription-key": "CNTN:secret", "content-type": "application/octet-stream"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://x") as client:
            return await client.post("/face/v1.2/detect", content=b"a picture", headers=headers)

    with ThreadPoolExecutor(1) as executor:
        answer = asyncio.run(ask(executor))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "QuotaExceeded")
    assert answer.headers.get("retry-after") == said

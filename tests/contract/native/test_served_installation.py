"""What `countenance serve` puts together: both dialects at one address, over one database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from tests.integration.serving import need_weights, opened, serving

from countenance.api.native import document
from countenance.mandates import Role


def test_an_operator_of_the_shell_is_known_to_the_server(tmp_path: Path) -> None:
    need_weights()
    with serving(tmp_path) as live:
        with opened(live.environment) as app:
            _, token = app.operators.add("Eve Audits", [Role.AUDIT], datetime.now(UTC) + timedelta(days=1))
        with httpx.Client(base_url=live.endpoint, trust_env=False, verify=False) as client:
            assert client.get("/v1/health").json() == {"status": "ok"}
            assert client.get("/v1/openapi.json").json() == document()
            me = client.get("/v1/me", headers={"authorization": f"Bearer {token}"})
            assert (me.status_code, me.json()["roles"]) == (200, ["audit"])
            aws = client.post("/", headers={"x-amz-target": "RekognitionService.ListCollections"})
            assert "__type" in aws.json()
            assert client.get("/v10/health").status_code == 404
            assert client.get("/healthz").json() == {"status": "ok"}
            assert client.get("/healthz").headers["cache-control"] == "no-store"
            with opened(live.environment) as app:
                app.operators.revoke("Eve Audits")
            assert client.get("/v1/me", headers={"authorization": f"Bearer {token}"}).status_code == 401

"""A disk that refuses and a clock that went back: the server says so where operators look, and mends by itself."""

from __future__ import annotations

import resource
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from botocore.exceptions import ClientError
from tests.integration.serving import Live, grant, need_weights, opened, serving, until

from countenance.ledger import Ledger
from countenance.signing import Signer

pytestmark = pytest.mark.hardening
FOREVER = resource.RLIM_INFINITY


@pytest.fixture(autouse=True)
def weights() -> None:
    need_weights()


def ask(live: Live, path: str) -> httpx.Response:
    with httpx.Client(base_url=live.endpoint, trust_env=False) as client:
        return client.get(path, timeout=30)


def refusal(live: Live, path: str) -> httpx.Response:
    """The first 503 at `path`: what was found within the last second is told again."""
    return until(lambda: (got := ask(live, path)).status_code == 503 and got)  # type: ignore[no-any-return]


def test_a_disk_that_refuses_is_told_and_what_to_do_and_mends_by_itself(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # a file of bytecode that is cut short would break every later run
    with serving(tmp_path, PYTHONDONTWRITEBYTECODE="1") as live:
        client = live.client(grant(live.environment))
        client.create_collection(CollectionId="before")
        assert until(lambda: ask(live, "/readyz").status_code == 200)
        capfd.readouterr()
        resource.prlimit(live.process.pid, resource.RLIMIT_FSIZE, (4096, FOREVER))  # as on a full disk
        with pytest.raises(ClientError, match="InternalServerError"):
            client.create_collection(CollectionId="during")
        for path in ("/v1/health", "/v1/ready", "/readyz"):
            answer = refusal(live, path)
            assert "the disk" in answer.json()["detail"]
            assert "`df`" in answer.json()["detail"]
        assert ask(live, "/healthz").json() == {"status": "ok"}  # it runs: starting it again would mend nothing
        said = capfd.readouterr().err
        assert "the ledger cannot be written, so nothing is answered: the disk" in said
        assert ".py:" not in said
        resource.prlimit(live.process.pid, resource.RLIMIT_FSIZE, (FOREVER, FOREVER))
        assert until(lambda: ask(live, "/readyz").status_code == 200)
        assert client.list_collections()["CollectionIds"] == ["before"]
        assert "the ledger is written again" in capfd.readouterr().err


def test_a_server_refuses_to_start_where_it_could_answer_nothing(tmp_path: Path) -> None:
    environment = {"COUNTENANCE_HOME": str(tmp_path), "COUNTENANCE_WEIGHTS": str(need_weights())}
    with opened(environment):
        pass
    ended = subprocess.run(
        [sys.executable, "-c", "from countenance.cli import main; main()", "serve"],
        env={**environment, "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )
    assert ended.returncode == 1
    assert "countenance: " in ended.stderr
    assert "room" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_clock_behind_the_record_denies_says_so_and_goes_on_when_it_has_caught_up(tmp_path: Path) -> None:
    with serving(tmp_path) as live:
        client = live.client(grant(live.environment))
        client.list_collections()
        with opened(live.environment) as app:  # an entry of the near future: as if the clock were set back
            signer, origin = Signer.from_file(app.settings.keys / "ledger.key"), app.settings.origin
            ahead = Ledger(app.database, signer, origin, lambda: datetime.now(UTC) + timedelta(seconds=4))
            ahead.append({"kind": "note"}).wait()
            with pytest.raises(ClientError) as refused:
                client.list_collections()
            assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
            assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
            assert "the clock reads" in refused.value.response["Error"]["Message"]
            assert "countenance ledger clock" in refused.value.response["Error"]["Message"]
            answer = ask(live, "/v1/health")
            assert (answer.status_code, answer.json()["type"]) == (503, "urn:countenance:problem:clock-back")
            assert until(lambda: ask(live, "/v1/health").status_code == 200)
            assert client.list_collections()["CollectionIds"] == []
            ahead.close()

"""What a start does with COUNTENANCE_CLUSTER."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.fakes.postgres import PostgresServer

from countenance import settings
from countenance.app import Countenance
from countenance.cluster import ClusterSearch, plan
from countenance.errors import Misconfigured
from countenance.ledger import Records
from countenance.scoring.normaliser import SHIPPED

AWAY = "10.0.0.7:6379"


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "find_spec", lambda name: object())
    for name in ("RAY_USE_TLS", "RAY_AUTH_MODE"):
        monkeypatch.delenv(name, raising=False)


def opened(tmp_path: Path, more: Mapping[str, str]) -> Countenance:
    given = {f"COUNTENANCE_{name}": value for name, value in more.items()}
    return Countenance.open(settings.load({"COUNTENANCE_HOME": str(tmp_path / "home"), **given}))


def test_without_the_setting_the_galleries_are_searched_here(tmp_path: Path) -> None:
    app = opened(tmp_path, {})
    assert app.cluster is None
    app.close()


def test_a_cluster_reads_postgresql(tmp_path: Path) -> None:
    app = opened(tmp_path, {"CLUSTER": "127.0.0.1:6379"})
    with pytest.raises(Misconfigured, match="PostgreSQL"):
        _ = app.cluster
    app.close()


def test_one_that_is_not_protected_is_refused_or_goes_on_record(tmp_path: Path, postgres: PostgresServer) -> None:
    place = {"DATABASE": postgres.new_database("empty"), "CLUSTER": AWAY}
    app = opened(tmp_path, place)
    with pytest.raises(Misconfigured, match="RAY_USE_TLS"):
        _ = app.cluster
    app.close()
    app = opened(tmp_path, {**place, "CLUSTER_PLAIN": "a test without a network", "CLUSTER_SHARDS": "4"})
    assert isinstance(app.cluster, ClusterSearch)
    assert app.cluster_plan.shards == 4
    said = [str(entry) for entry in Records(app.database).entries()]
    assert any("used a cluster without protection" in each and "a test without a network" in each for each in said)
    app.close()


def test_another_key_or_ledger_is_another_installation(tmp_path: Path) -> None:
    one, other = opened(tmp_path / "a", {}), opened(tmp_path / "b", {})
    again = opened(tmp_path / "a", {"ORIGIN": "countenance.local/ledger"})
    assert one.cluster_identity == again.cluster_identity
    assert one.cluster_identity != other.cluster_identity
    for app in (one, other, again):
        app.close()


def test_a_node_with_another_reserve_for_half_seen_faces_searches_for_another(tmp_path: Path) -> None:
    one = opened(tmp_path, {})
    said, normaliser = one.cluster_identity, one.normaliser.identity
    one.close()
    shipped = next(SHIPPED.glob("*.reserve.json"))
    own = one.settings.calibration / "cohorts"
    own.mkdir(parents=True)
    (own / shipped.name).write_text(json.dumps({**json.loads(shipped.read_bytes()), "reserve": 0.1}))
    other = opened(tmp_path, {})
    assert other.normaliser.identity == normaliser
    assert other.cluster_identity != said
    other.close()

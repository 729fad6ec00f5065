"""Whether a cluster may be used, and what it is asked for."""

import importlib.util
from pathlib import Path

import pytest

from countenance.cluster import ClusterPlan, check_cluster, memory_for, plan
from countenance.errors import Misconfigured

AWAY = "10.0.0.7:6379"


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "find_spec", lambda name: object())


@pytest.fixture
def protected(tmp_path: Path) -> dict[str, str]:
    files = {}
    for name in ("RAY_TLS_SERVER_CERT", "RAY_TLS_SERVER_KEY", "RAY_TLS_CA_CERT"):
        (tmp_path / name).write_text("pem")
        files[name] = str(tmp_path / name)
    return {"RAY_USE_TLS": "1", "RAY_AUTH_MODE": "token", **files}


@pytest.mark.parametrize("address", ["127.0.0.1:6379", "localhost:6379", "[::1]:6379"])
def test_on_this_machine_nothing_more_is_asked(address: str) -> None:
    assert check_cluster(address, {}, plain=False) is None


def test_beyond_it_tls_and_a_token_are(protected: dict[str, str]) -> None:
    assert check_cluster(AWAY, protected, plain=False) is None


@pytest.mark.parametrize(
    "missing", ["RAY_USE_TLS", "RAY_AUTH_MODE", "RAY_TLS_SERVER_CERT", "RAY_TLS_SERVER_KEY", "RAY_TLS_CA_CERT"]
)
def test_each_of_them_is_missed_unless_the_operator_says_why(protected: dict[str, str], missing: str) -> None:
    del protected[missing]
    with pytest.raises(Misconfigured, match=missing):
        check_cluster(AWAY, protected, plain=False)
    told = check_cluster(AWAY, protected, plain=True)
    assert told is not None
    assert missing in told


def test_a_certificate_that_is_not_there_does_not_count(protected: dict[str, str]) -> None:
    Path(protected["RAY_TLS_CA_CERT"]).unlink()
    with pytest.raises(Misconfigured, match="RAY_TLS_CA_CERT"):
        check_cluster(AWAY, protected, plain=False)


@pytest.mark.parametrize("address", ["host.example:6379", "0.0.0.0:6379", "127.0.0.1.example:6379"])
def test_what_only_looks_like_this_machine_is_not_it(address: str) -> None:
    with pytest.raises(Misconfigured):
        check_cluster(address, {}, plain=False)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "find_spec", lambda name: None)
    with pytest.raises(Misconfigured, match=r"pip install 'countenance\[cluster\]'"):
        check_cluster("127.0.0.1:6379", {}, plain=True)


def test_nothing_here_needs_ray_to_be_imported() -> None:
    assert importlib.util.find_spec("countenance.cluster.gateway") is not None  # imported by its package, without Ray


def test_more_shards_need_less_memory_each() -> None:
    assert memory_for(1_000_000, 4) < memory_for(1_000_000, 2) < memory_for(2_000_000, 2)
    assert memory_for(0, 1) > 0


def test_what_is_reserved_is_what_the_docs_say() -> None:
    said = " ".join((Path(__file__).parents[3] / "docs" / "cluster.md").read_text().split())
    process, of_all = memory_for(0, 1), memory_for(2, 2) - memory_for(1, 1)
    own = memory_for(1, 1) - process - of_all
    assert f"{process // 2**20} MiB, {own:,} bytes for each face of its own and {of_all} for each face of all" in said


def _open(share: object) -> object:
    raise AssertionError


def test_shards_of_another_split_or_installation_have_other_names() -> None:
    a = ClusterPlan("127.0.0.1:1", "a" * 64, 2, 2, 1, _open)  # type: ignore[arg-type]
    b = ClusterPlan("127.0.0.1:1", "b" * 64, 4, 2, 1, _open)  # type: ignore[arg-type]
    assert a.namespace != b.namespace
    assert a.name(0, 0) != b.name(0, 0)
    assert len({a.name(shard, replica) for shard in range(2) for replica in range(2)}) == 4

"""The files in deploy/: they hold together, run as nobody's root, and hold no secret."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import make_url
from tests.fakes.postgres import LOCALE

from countenance.database.postgresql import OLDEST
from countenance.settings import load

DEPLOY = Path(__file__).parents[3] / "deploy"
ROOT = DEPLOY.parent
NOBODY = 10001


def dockerfile() -> str:
    return re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text())


def settings_in(text: str) -> dict[str, str]:
    return dict(re.findall(r"(COUNTENANCE_[A-Z_]+)=(\S+)", text))


def test_the_image_runs_as_nobodys_root_with_settings_that_exist() -> None:
    last = dockerfile().rpartition("\nFROM ")[2]
    assert f"\nUSER {NOBODY}:{NOBODY}\n" in last
    own = load(settings_in(last))
    assert own.home.is_relative_to("/data") and own.weights == Path("/opt/countenance/models")
    assert "USER root" not in last and "ADD http" not in dockerfile()


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    sources = [
        each for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile(), re.MULTILINE) for each in line.split()[:-1]
    ]
    assert sources
    for source in sources:
        assert (ROOT / source).exists() and source in kept


def test_no_file_holds_a_secret() -> None:
    for path in [each for each in DEPLOY.rglob("*") if each.is_file()]:
        text = path.read_text().replace("automountServiceAccountToken: false", "")
        assert not re.search(r"(?i)(secret|password|token|passphrase)[A-Z_]*\s*[=:]\s*\S", text), path.name


def test_compose_starts_the_server_behind_a_proxy_and_nowhere_else() -> None:
    made = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    server, proxy = made["services"]["countenance"], made["services"]["proxy"]
    assert "ports" not in server and server["networks"] == ["inside"] and made["networks"]["inside"]["internal"]
    assert server["user"] == f"{NOBODY}:{NOBODY}"
    for each in (server, proxy):
        assert each["read_only"] and each["cap_drop"] == ["ALL"] and each["security_opt"] == ["no-new-privileges:true"]
    (subnet,) = [each["subnet"] for each in made["networks"]["inside"]["ipam"]["config"]]
    own = load(server["environment"])
    assert own.proxies == (subnet,)
    assert own.stop_seconds + 10 <= int(server["stop_grace_period"].removesuffix("s"))
    assert (DEPLOY / server["build"]["context"] / server["build"]["dockerfile"]).resolve() == DEPLOY / "Dockerfile"
    assert "reverse_proxy countenance:8080" in (DEPLOY / "Caddyfile").read_text()


def test_postgresql_is_reached_by_the_server_alone() -> None:
    made, below = (yaml.safe_load((DEPLOY / f"compose{name}.yaml").read_text()) for name in (".postgresql", ""))
    server, database = made["services"]["countenance"], made["services"]["database"]
    assert made["services"].keys() - below["services"].keys() == {"database"}
    url = make_url(load(server["environment"]).database or "")
    assert (url.username, url.database) == (
        database["environment"]["POSTGRES_USER"],
        database["environment"]["POSTGRES_DB"],
    )
    assert url.password is None and url.query["host"] == "/run/postgresql"
    assert "socket:/run/postgresql" in server["volumes"] and "socket:/var/run/postgresql" in database["volumes"]
    assert database["network_mode"] == "none" and "ports" not in database and "listen_addresses=" in database["command"]
    assert database["environment"]["POSTGRES_INITDB_ARGS"].split() == list(LOCALE)
    assert database["read_only"] and database["cap_drop"] == ["ALL"]
    assert database["security_opt"] == ["no-new-privileges:true"]
    assert int(database["image"].partition(":")[2].partition("-")[0]) >= OLDEST
    assert "requirements/postgres.txt" in dockerfile()


def base() -> list[dict[str, Any]]:
    """The kustomize base as it would be applied, or, where kubectl is absent, its parts as they are written."""
    folder = DEPLOY / "kubernetes"
    if kubectl := shutil.which("kubectl"):
        built = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=True)
        return list(yaml.safe_load_all(built.stdout))
    parts = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    return [each for name in parts for each in yaml.safe_load_all((folder / name).read_text())]


def test_the_kustomize_base_builds_one_server_that_may_do_nothing_else() -> None:
    made = {each["kind"]: each for each in base()}
    assert {"StatefulSet", "Service", "NetworkPolicy", "ServiceAccount"} <= made.keys()
    pod = made["StatefulSet"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert made["StatefulSet"]["spec"]["replicas"] == 1
    assert pod["securityContext"]["runAsUser"] == NOBODY and pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False  # a service of this name would set COUNTENANCE_PORT to tcp://…
    assert pod["securityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"  # else keys become their group's
    literals = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())["configMapGenerator"]
    own = load(dict(each.split("=", 1) for each in literals[0]["literals"]))
    assert own.stop_seconds + 10 <= pod["terminationGracePeriodSeconds"]
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    assert own.metrics_place == ("0.0.0.0", ports["metrics"]) and own.port == ports["http"]


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    text = (DEPLOY / "countenance.service").read_text()
    own = load(settings_in(text))
    assert own.stop_seconds + 10 <= int(re.findall(r"TimeoutStopSec=(\d+)", text)[0])
    if (analyze := shutil.which("systemd-analyze")) is None:
        pytest.skip("no systemd-analyze here")
    unit = tmp_path / "countenance.service"
    unit.write_text(text.replace("/opt/countenance/bin/countenance", sys.executable))
    verified = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stderr) == (0, "")

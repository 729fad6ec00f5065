import re
from dataclasses import fields
from pathlib import Path

import pytest

from countenance.errors import Misconfigured
from countenance.settings import Settings, load

DOCUMENT = Path(__file__).parents[3] / "docs" / "settings.md"


def test_every_setting_is_documented_and_every_documented_setting_exists() -> None:
    documented = set(re.findall(r"^\| `COUNTENANCE_(\w+)`", DOCUMENT.read_text(), re.MULTILINE))
    assert documented == {field.name.upper() for field in fields(Settings)}
    others = {
        "SMALLEST_FACE": "30",
        "CORS_ORIGINS": "*",
        "PROFILE": "detection-only",
        "DATABASE": "postgresql://a/b",
        "LOG": "json",
    }
    others |= {"METRICS": "127.0.0.1:9464", "PROXIES": "10.0.0.1", "TRACES": "http://127.0.0.1/v1/traces"}
    load({f"COUNTENANCE_{name}": others.get(name, "1") for name in documented - {"BUCKETS", "TOPICS"}})


def test_a_misspelt_setting_stops_the_start() -> None:
    with pytest.raises(Misconfigured, match="COUNTENANCE_PROT"):
        load({"COUNTENANCE_PROT": "1"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("METRICS", "9464"),
        ("METRICS", "127.0.0.1:99999"),
        ("METRICS", "http://127.0.0.1:9464/metrics"),
        ("PROXIES", "proxy.example"),
        ("PROXIES", "10.0.0.7/8"),
        ("TRACES", "127.0.0.1:4318"),
        ("LOG", "xml"),
        ("STOP_SECONDS", "0"),
        ("TLS_KEY", "key.pem"),
        ("TLS_CERTIFICATE", "chain.pem"),
    ],
)
def test_a_malformed_setting_of_the_server_stops_the_start(name: str, text: str) -> None:
    with pytest.raises(Misconfigured, match=f"COUNTENANCE_{name}"):
        load({f"COUNTENANCE_{name}": text})


def test_the_endpoint_and_the_place_of_metrics_follow_from_settings() -> None:
    own = load({"COUNTENANCE_TLS_CERTIFICATE": "a", "COUNTENANCE_TLS_KEY": "b", "COUNTENANCE_METRICS": "[::1]:9464"})
    assert own.endpoint == "https://127.0.0.1:8080"
    assert own.metrics_place == ("::1", 9464)


@pytest.mark.parametrize("port", ["-1", "70000", "eighty", "8080.5", ""])
def test_a_port_that_is_none_stops_the_start(port: str) -> None:
    with pytest.raises(Misconfigured, match="COUNTENANCE_PORT"):
        load({"COUNTENANCE_PORT": port})


def test_buckets_are_folders_by_name(tmp_path: Path) -> None:
    assert load({"COUNTENANCE_BUCKETS": f"photos={tmp_path}, more={tmp_path}/x"}).buckets == {
        "photos": tmp_path,
        "more": tmp_path / "x",
    }
    with pytest.raises(Misconfigured, match="BUCKETS"):
        load({"COUNTENANCE_BUCKETS": "photos"})


@pytest.mark.parametrize(
    "origin",
    ["app.example", "https://app.example/", "https://App.example", "https://a,b", "null", "https://*.a.example"],
)
def test_an_origin_that_no_browser_sends_stops_the_start(origin: str) -> None:
    with pytest.raises(Misconfigured, match="CORS_ORIGINS"):
        load({"COUNTENANCE_CORS_ORIGINS": f"https://fine.example:8443, {origin}"})


def test_topics_are_addresses_by_arn() -> None:
    arn = "arn:aws:sns:us-east-1:000000000000:jobs"
    assert load({"COUNTENANCE_TOPICS": f"{arn}=https://host/a?b=c, {arn}2=http://h"}).topics == {
        arn: "https://host/a?b=c",
        f"{arn}2": "http://h",
    }
    for wrong in (arn, f"{arn}=", f"{arn}=ftp://host", f"{arn}=https://", "topic=https://host"):
        with pytest.raises(Misconfigured, match="TOPICS"):
            load({"COUNTENANCE_TOPICS": wrong})

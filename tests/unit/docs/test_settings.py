import re
from dataclasses import fields
from pathlib import Path

import pytest

from countenance.errors import Misconfigured
from countenance.settings import Settings, load, shown

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
        "ROWS": "disk",
        "CLUSTER": "127.0.0.1:6379",
    }
    others |= {"METRICS": "127.0.0.1:9464", "PROXIES": "10.0.0.1", "TRACES": "http://127.0.0.1/v1/traces"}
    others |= {"CONSOLE_URL": "https://faces.example", "OIDC_ISSUER": "https://id.example"}
    left_out = {"BUCKETS", "TOPICS", "OIDC_CLIENT_SECRET_FILE"}
    load({f"COUNTENANCE_{name}": others.get(name, "1") for name in documented - left_out})


def test_a_misspelt_setting_stops_the_start() -> None:
    with pytest.raises(Misconfigured, match="COUNTENANCE_PROT"):
        load({"COUNTENANCE_PROT": "1"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("METRICS", "9464"),
        ("ROWS", "ram"),
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


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://faces.example", "https://faces.example"),
        ("https://faces.example:443/", "https://faces.example"),
        ("https://faces.example:8443", "https://faces.example:8443"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("", None),
    ],
)
def test_the_address_of_the_console_is_as_browsers_write_it(text: str, url: str | None) -> None:
    assert load({"COUNTENANCE_CONSOLE_URL": text}).console_url == url


@pytest.mark.parametrize(
    "text",
    ["faces.example", "http://faces.example", "https://faces.example/console", "https://Faces.example", "https://*"],
)
def test_an_address_of_the_console_that_is_not_safe_stops_the_start(text: str) -> None:
    with pytest.raises(Misconfigured, match="COUNTENANCE_CONSOLE_URL"):
        load({"COUNTENANCE_CONSOLE_URL": text})


OIDC = {
    "COUNTENANCE_CONSOLE_URL": "https://faces.example",
    "COUNTENANCE_OIDC_ISSUER": "https://id.example/realms/city",
    "COUNTENANCE_OIDC_CLIENT_ID": "countenance",
    "COUNTENANCE_OIDC_CLIENT_SECRET": "a secret",
}


def test_a_provider_is_named_whole_and_its_secret_is_not_shown(tmp_path: Path) -> None:
    own = load(OIDC)
    assert (own.oidc_issuer, own.oidc_secret()) == ("https://id.example/realms/city", "a secret")
    assert own.oidc_second_factors == ("mfa",)
    assert "a secret" not in repr(own)
    assert "a secret" not in str(shown(own))
    for name in OIDC:
        with pytest.raises(Misconfigured, match="COUNTENANCE_OIDC_"):
            load({key: value for key, value in OIDC.items() if key != name})
    with pytest.raises(Misconfigured, match="one of"):
        load({**OIDC, "COUNTENANCE_OIDC_CLIENT_SECRET_FILE": "x"})
    kept = tmp_path / "secret"
    rest = {name: value for name, value in OIDC.items() if name != "COUNTENANCE_OIDC_CLIENT_SECRET"}
    own = load({**rest, "COUNTENANCE_OIDC_CLIENT_SECRET_FILE": str(kept)})
    with pytest.raises(Misconfigured, match="cannot be read"):
        own.oidc_secret()
    kept.write_text("\n")
    with pytest.raises(Misconfigured, match="is empty"):
        own.oidc_secret()
    kept.write_text("from a file\n")
    assert own.oidc_secret() == "from a file"


@pytest.mark.parametrize(
    "issuer",
    ["id.example", "http://id.example", "https://id.example?x=1", "https://a:b@id.example", "https://id.example#x"],
)
def test_an_issuer_that_is_not_safe_stops_the_start(issuer: str) -> None:
    with pytest.raises(Misconfigured, match="COUNTENANCE_OIDC_ISSUER"):
        load({**OIDC, "COUNTENANCE_OIDC_ISSUER": issuer})


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

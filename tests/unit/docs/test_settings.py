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
    load({f"COUNTENANCE_{name}": "20" if name == "SMALLEST_FACE" else "1" for name in documented - {"BUCKETS"}})


def test_a_misspelt_setting_stops_the_start() -> None:
    with pytest.raises(Misconfigured, match="COUNTENANCE_PROT"):
        load({"COUNTENANCE_PROT": "1"})


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

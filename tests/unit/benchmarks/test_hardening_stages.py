"""Stages of `make hardening`: what ends in time is counted, what does not is ended and said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks import hardening

MARK = "mark." + "hardening"  # in two parts, so that this file is no stage itself


def stages(folder: Path, patch: pytest.MonkeyPatch, **texts: str) -> list[str]:
    patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # they take longer to load than the stages take to run
    patch.setenv("PYTEST_ADDOPTS", "-p pytest_timeout")
    patch.setattr(hardening, "TESTS", folder)
    patch.setattr(hardening, "RESULT", folder / "hardening.json")
    names = []
    for name, text in texts.items():
        path = folder / f"test_{name}.py"
        path.write_text(f"import pytest, time\n@pytest.{MARK}\ndef test_it():\n    {text}\n")
        names.append(str(path))
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    hardening: x\n")
    return names


def test_a_stage_that_takes_too_long_is_ended_and_the_others_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = stages(tmp_path, monkeypatch, good="pass", slow="time.sleep(60)")
    monkeypatch.setattr(hardening, "STAGE_S", 60)
    assert hardening.marked() == [Path(name) for name in names]
    assert hardening.main(names[:1]) == 0
    monkeypatch.setattr(hardening, "STAGE_S", 1)
    assert hardening.main(names[1:]) == 1
    suites = json.loads((tmp_path / "hardening.json").read_text())["suites"]
    assert {name: (each["ended"], each["passed"]) for name, each in suites.items()} == {
        "test_good": ("in time", 1),
        "test_slow": ("late", 0),
    }


def test_no_stage_takes_more_than_is_left_of_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = stages(tmp_path, monkeypatch, good="pass")
    monkeypatch.setattr(hardening, "WHOLE_S", 0)
    assert hardening.main(names) == 1
    assert json.loads((tmp_path / "hardening.json").read_text())["suites"]["test_good"]["ended"] == "late"


def test_what_an_ended_stage_had_shown_is_counted_and_its_test_named() -> None:
    begun = '{"test": "a", "ended": "begun", "measured": {}}'
    ended = '{"test": "a", "ended": "passed", "measured": {"MiB": 3}}'
    second = begun.replace('"a"', '"b"')
    counted = hardening.counted("\n".join([begun, ended, second, '{"test": "c", "en']))
    assert counted == {"passed": 1, "failed": 0, "skipped": 0, "unended": ["b"], "measured": {"MiB": 3}}
    failed = hardening.counted(ended + "\n" + ended.replace("passed", "failed") + "\n")
    assert (failed["passed"], failed["failed"]) == (0, 1)


def test_a_stage_that_fails_is_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hardening.main(stages(tmp_path, monkeypatch, bad="assert False")) == 1

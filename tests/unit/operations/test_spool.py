"""The folder of videos in hand, with several processes at it: what is left over is cleared, what is in use is not."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from countenance.operations import spooled
from countenance.operations.video_runner import _clear


def test_what_is_in_use_stays_and_the_rest_goes(tmp_path: Path) -> None:
    with spooled(tmp_path) as ours:
        (tmp_path / "left over").mkdir()
        _clear(tmp_path)
        assert list(tmp_path.iterdir()) == [ours]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_goes_away_between_the_list_and_its_lock_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    listed = Path.iterdir

    def stale(folder: Path) -> Iterator[Path]:
        for each in list(listed(folder)):
            if each.name == "b":
                each.rmdir()
            yield each

    monkeypatch.setattr(Path, "iterdir", stale)
    _clear(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("when", ["before the lock", "before it is opened"])
def test_a_new_folder_that_is_cleared_away_before_it_is_held_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """As `_clear` of another process does, which finds nobody holding it yet."""
    cleared: list[str] = []

    def once(step: Callable[..., object], path: str) -> None:
        if not cleared and Path(path).parent == tmp_path:
            cleared.append(path)
            Path(path).rmdir()

    make, open_ = tempfile.mkdtemp, os.open

    def made(*given: object, **named: object) -> str:
        path = make(*given, **named)  # type: ignore[call-overload]
        if when == "before it is opened":
            once(make, path)
        return str(path)

    def opened(path: str, *given: int, **named: int) -> int:
        held = open_(path, *given, **named)
        if when == "before the lock":
            once(open_, os.fspath(path))
        return held

    monkeypatch.setattr(tempfile, "mkdtemp", made)
    monkeypatch.setattr(os, "open", opened)
    with spooled(tmp_path) as folder:
        (folder / "video").write_bytes(b"x")
        assert cleared and str(folder) not in cleared
    assert list(tmp_path.iterdir()) == []

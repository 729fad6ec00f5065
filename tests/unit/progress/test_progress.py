import sys

import pytest

from countenance import progress


class Terminal:
    def __init__(self) -> None:
        self.said = ""

    def write(self, text: str) -> int:
        self.said += text
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return True


def test_every_item_comes_through_in_order_wherever_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(progress.track(range(5), "work")) == list(range(5))
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert list(progress.track(iter("abc"), "work", 3)) == ["a", "b", "c"]
    assert "work" in terminal.said
    assert "3/3" in terminal.said


def test_off_a_terminal_it_is_whole_lines_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    moments = iter([0.0, 1.0, 6.0, 7.0, 12.0])
    monkeypatch.setattr("countenance.progress.time.monotonic", lambda: next(moments))
    list(progress.track(["a", "b", "c", "d"], "work", unit="files"))
    assert capsys.readouterr().err == "work: 1/4 files, 6 s\nwork: 3/4 files, 12 s\n"

"""Standard output is the command's own while Ray's threads are in its process."""

from __future__ import annotations

import io
import sys
from threading import Thread

import click
import pytest

from countenance.cluster.speaking import only_this_thread


def in_another_thread() -> None:
    thread = Thread(target=lambda: print("a process has died", flush=True))  # noqa: T201
    thread.start()
    thread.join()


def test_what_others_print_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with only_this_thread():
        click.echo("one")
        in_another_thread()
        click.echo("two")
    in_another_thread()
    assert capsys.readouterr() == ("one\ntwo\na process has died\n", "a process has died\n")


def test_a_stream_that_somebody_puts_there_meanwhile_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    other = io.StringIO()
    with only_this_thread():
        sys.stdout = other
    assert sys.stdout is other

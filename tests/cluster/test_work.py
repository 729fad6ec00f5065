"""Long work by processes of the cluster: done once, whoever dies in the middle of it, and gone on with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from tests.cluster.ring import SLOW_S, Patience, Ring, environment, opened
from tests.fakes.postgres import NO_SERVER, postgres_server, programs
from tests.integration.serving import HOME, grant, need_weights
from tests.integration.video.test_video_command import _crossing
from tests.unit.video.clips import write

from countenance.audit.bundle import read_bundle
from countenance.audit.planning.plans import plan_bytes, plan_of_draft
from countenance.audit.running import run as run_audit
from countenance.audit.sources.source import Equipment
from countenance.cli.audit.audits import _counting
from countenance.demo.faces import Photo, orl_faces
from countenance.jobs import JobKind, JobState, VideoRequest
from countenance.signing import Signer

pytestmark = pytest.mark.cluster

COMMAND = str(Path(sys.executable).parent / "countenance")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DRAFT = """
title = "All pairs"
question = "Are women falsely matched more often?"
population = "made up"
conditions = "made up"
margin = 2.0
limits = ["made up"]
[system]
name = "S"
version = "1"
provider = "P"
[groups]
factors = ["gender", "age"]
intersections = [["gender", "age"]]
labelled_by = "made up"
[scores]
file = "scores.csv"
score = "score"
same = "same"
subjects = ["subject_a", "subject_b"]
labels = "people.csv"
label_subject = "subject"
direction = "similarity"
[threshold]
rule = "fmr"
value = 0.001
[gallery]
sizes = [1000]
"""


@dataclass
class Workplace:
    folder: Path
    variables: Mapping[str, str]
    key: str

    def start(self, *command: str) -> subprocess.Popen[str]:
        given = {**os.environ, **self.variables}
        return subprocess.Popen(
            [COMMAND, *command], env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def do(self, *command: str) -> tuple[str, str]:
        """What the command says on both streams."""
        said, told = (running := self.start(*command)).communicate(timeout=3 * SLOW_S)
        assert running.returncode == 0, told
        return said, told


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    if programs() is None:
        pytest.skip(NO_SERVER)
    weights, folder, ring = need_weights(), tmp_path_factory.mktemp("work"), Ring()
    (folder / "in").mkdir()
    more = {"COUNTENANCE_WEIGHTS": str(weights), "COUNTENANCE_BUCKETS": f"stored={folder / 'in'}"}
    with postgres_server() as server:
        url = server.new_database("empty")
        with environment(folder / "home", url, ring.address, **more) as variables:
            key = grant(variables).access_key
            ring.start(1)
            try:
                yield Workplace(folder, variables, key)
            finally:
                ring.kill()


@pytest.fixture(scope="module")
def photos() -> dict[tuple[int, int], Photo]:
    need_weights()
    return {(photo.person, photo.number): photo for photo in orl_faces(HOME / "demo-faces")}


def workers() -> list[int]:
    """The processes that do pieces of a Ray Data job."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if words.startswith(b"ray::") and b"Worker" in words and b"COUNTENANCE_HOME" in _variables(process):
            found.append(int(process.name))
    return found


def _variables(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""


def until(condition: Callable[[], object], running: subprocess.Popen[str]) -> None:
    patience = Patience(3 * SLOW_S)
    while not condition():
        assert running.poll() is None, running.communicate()[1]
        assert not patience.over
        time.sleep(0.05)


@pytest.mark.parametrize("source", ["folder", "bucket"])
def test_pictures_are_enrolled_once_though_a_process_and_the_command_are_killed(
    place: Workplace, photos: dict[tuple[int, int], Photo], source: str
) -> None:
    some = [photo for photo in photos.values() if photo.number <= 2]
    folder, gallery = place.folder / "in" / source, f"from-{source}"
    for photo in some:
        (folder / f"p{photo.person}").mkdir(parents=True, exist_ok=True)
        (folder / f"p{photo.person}" / f"{photo.number}.png").write_bytes(photo.png)
    given = str(folder) if source == "folder" else f"s3://stored/{source}"
    command = ["enrol", gallery, given, "--key", place.key, "--external-id", "folder", "--quality", "NONE"]
    journals = place.folder / "home" / "enrolling"
    known = set(journals.glob("*.done"))

    def lines() -> int:
        return sum(len(path.read_text().splitlines()) for path in set(journals.glob("*.done")) - known)

    running = place.start(*command, "--workers", "2")
    until(lambda: lines() > 2, running)
    os.kill(workers()[0], signal.SIGKILL)
    before = lines()
    until(lambda: lines() > before + 8, running)
    running.kill()
    running.communicate()
    assert lines() < len(some), "it was done before it could be killed"
    said, told = place.do(*command, "--workers", "2")
    assert "pictures were done before" in said
    assert f"{gallery}: 0/" in told  # progress
    app = opened()
    try:
        faces = app.gallery.faces(gallery, limit=4096).items
    finally:
        app.close()
    assert Counter(face.external_id for face in faces) == Counter(f"p{photo.person}" for photo in some)
    assert "nothing new" in place.do(*command, "--workers", "1")[0]


def test_stored_videos_are_run_once_though_a_process_is_killed(
    place: Workplace, photos: dict[tuple[int, int], Photo]
) -> None:
    (place.folder / "in" / "films").mkdir()
    app = opened()
    try:
        mandate = app.register.list()[0].mandate_id
        asked = VideoRequest(
            mandate, place.key, JobKind.DETECT, "stored", "", None, None, None, None, None, None, "r" * 64, 7
        )
        ids = []
        for number in range(4):
            name = f"films/{number}.mp4"
            write(place.folder / "in" / name, _crossing(photos))
            ids.append(app.jobs.videos.start(replace(asked, name=name)))
        running = place.start("video", "run", "--workers", "2")
        until(lambda: app.jobs.videos.counts()[JobState.RUNNING], running)
        os.kill(workers()[0], signal.SIGKILL)
        said, told = running.communicate(timeout=3 * SLOW_S)
        assert running.returncode == 0, told
        assert said == "4 jobs, 4 succeeded\n"
        assert "died" in told  # which Ray says
        assert [app.jobs.videos.state(each) for each in ids] == [JobState.SUCCEEDED] * 4
        jobs = [app.jobs.videos.find(mandate, each, JobKind.DETECT) for each in ids]
        assert sum(job.attempts for job in jobs if job is not None) <= 6  # those that the process had in hand
        assert len({str(job.outcome) for job in jobs if job is not None}) == 1
        assert place.do("video", "run", "--workers", "1")[0] == "0 jobs\n"
    finally:
        app.close()


def audited(folder: Path, comparisons: int) -> tuple[Path, Signer]:
    """The plan of an audit of made-up scores, which lie beside it, and who signs its bundles."""
    folder.mkdir()
    chance, people = np.random.default_rng(0), 300
    a = chance.integers(0, people, comparisons)
    b = np.where(chance.random(comparisons) < 0.1, a, chance.integers(0, people, comparisons))
    noise = chance.normal(0, 0.15, comparisons)
    score = np.where(a == b, 0.6, 0.05 * (a % 2)) + noise
    rows = zip(score.tolist(), (a == b).tolist(), a.tolist(), b.tolist(), strict=True)
    lines = [f"{s:.5f},{int(same)},p{x},p{y}" for s, same, x, y in rows]
    (folder / "scores.csv").write_text("\n".join(["score,same,subject_a,subject_b", *lines]))
    labels = [f"p{i},{'fm'[i % 2]},{('young', 'middle', 'old')[i % 3]}" for i in range(people)]
    (folder / "people.csv").write_text("\n".join(["subject,gender,age", *labels]))
    (folder / "draft.toml").write_text(DRAFT)
    plan = folder / "plan.json"
    plan.write_bytes(plan_bytes(plan_of_draft(folder / "draft.toml", NOW)))
    return plan, Signer.from_file(folder / "key")


def test_an_audit_that_is_counted_by_the_cluster_is_the_same_bundle(place: Workplace) -> None:
    folder = place.folder / "audit"
    plan, signer = audited(folder, 100_000)
    run_audit(plan, folder / "alone", signer, clock=lambda: NOW)
    with _counting(plan, 2) as counting:
        run_audit(plan, folder / "together", signer, equipment=Equipment(spread=counting), clock=lambda: NOW)
    alone = {path.relative_to(folder / "alone"): path.read_bytes() for path in (folder / "alone").rglob("*.*")}
    assert alone == {name: (folder / "together" / name).read_bytes() for name in alone}
    assert len(alone) > 4


def test_an_audit_that_is_killed_goes_on_with_the_parts_that_are_left(place: Workplace) -> None:
    folder = place.folder / "killed"
    plan, signer = audited(folder, 400_000)
    run_audit(plan, folder / "alone", signer, clock=lambda: NOW)
    counts = place.folder / "home" / "audit" / "counts"
    command = ["audit", "run", str(plan), "-o", str(folder / "together"), "--key", str(folder / "key")]

    def kept() -> int:
        return len([each for each in counts.glob("*/*") if "." not in each.name])

    assert kept() == 0
    running = place.start(*command, "--workers", "2")
    until(kept, running)
    running.kill()
    assert running.communicate()[0] == ""
    before = kept()
    said, told = place.do(*command, "--workers", "2")
    assert f"{before} parts were counted before" in told
    alone, together = (read_bundle(folder / name).results for name in ("alone", "together"))
    assert together.faces == alone.faces
    assert together.judged == alone.judged
    assert kept() == 0
    assert said.splitlines()[0] == alone.headline

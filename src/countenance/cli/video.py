"""`countenance video`: the faces of a recorded video, and a gallery searched for its people."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from countenance.cli.installation import installation, opened_on_node
from countenance.cli.quality import QUALITY_FILTERS
from countenance.progress import track

if TYPE_CHECKING:
    from countenance.faces import BoundingBox
    from countenance.operations import Answer, PeopleSeen, VideoSearchAnswer
    from countenance.operations.video import Progress
    from countenance.video import Frame, VideoFacts

_UNTIL_LOST_S = 90.0  # PostgreSQL notices within a minute that a machine is gone

video = click.Group("video", help="Faces of recorded video: MP4, MOV, Matroska, WebM.")

_FILE = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
_KEY = click.option("--key", required=True, help="Access key id of the mandate under which this is done.")
_STEP = click.option(
    "--step", type=click.FloatRange(0, 3600), default=0.2, show_default=True,
    help="Seconds between two frames that are looked at; 0 for every frame.",
)  # fmt: skip
_JSON = click.option("--json", "as_json", is_flag=True, help="One line of JSON for each face, then one of totals.")


@video.command("detect", help="Find the faces of FILE and follow people through it.")
@_FILE
@_KEY
@_STEP
@_JSON
def detect(file: Path, key: str, step: float, as_json: bool) -> None:
    """Say who is seen from when to when, by an index for each person."""
    from countenance.operations import Caller, DetectInVideo, VideoFile

    with installation() as app:
        operation = DetectInVideo(VideoFile(file, 1000 * step, progress=_shown(step)))
        answer = app.guard.carry_out(Caller(key), operation)
    seen = answer.result
    if as_json:
        for face in seen.faces:
            line = {"timestamp_ms": face.timestamp_ms, "person": face.person, "box": _box(face.face.box)}
            click.echo(json.dumps({**line, "confidence": round(face.face.confidence, 2)}))
        click.echo(json.dumps({**_totals(seen), "receipt": answer.receipt}))
        return
    _say_people(seen, {})
    click.echo(f"{len(seen.faces)} faces of {len(seen.tracks)} people in {seen.frames} frames that were looked at")
    click.echo(f"receipt {answer.receipt}")


@video.command("search", help="Search GALLERY for each person of FILE, by their best frames. Leads, not identities.")
@click.argument("gallery")
@_FILE
@_KEY
@_STEP
@click.option("--similarity", type=click.FloatRange(0, 100), default=80.0, show_default=True, help="The least.")
@click.option(
    "--quality", type=click.Choice(QUALITY_FILTERS), default="AUTO", show_default=True,
    help="How good the best frame of a person has to be.",
)  # fmt: skip
@_JSON
def search(gallery: str, file: Path, key: str, step: float, similarity: float, quality: str, as_json: bool) -> None:
    """Say for each person of the video whom they are like, and how many chance alone would name."""
    from countenance.operations import Caller, QualityFilter, SearchInVideo, VideoFile

    with installation() as app:
        chosen = VideoFile(file, 1000 * step, progress=_shown(step))
        operation = SearchInVideo(gallery, chosen, similarity=similarity, quality=QualityFilter(quality))
        answer = app.guard.carry_out(Caller(key), operation)
    if as_json:
        _say_matches(answer)
        return
    result = answer.result
    lines: dict[int, list[str]] = {}
    for person in result.people:
        if person.unsearched:
            lines[person.track.index] = [f"not searched for: {', '.join(person.unsearched)}"]
            continue
        lines[person.track.index] = [
            f"lead: {c.face.external_id or c.face.face_id}, similarity {c.similarity:.1f}, false match rate {c.fmr:.1e}"
            for c in person.candidates
        ] or ["nobody in the gallery is as similar"]
    _say_people(result.seen, lines)
    click.echo(
        f"by chance, {result.expected_false_matches:.3g} innocent people would be named here "
        f"(at most; {result.gallery_size} faces in {gallery})"
    )
    click.echo(f"receipt {answer.receipt}")


@video.command(
    "run",
    help="Have processes of the cluster COUNTENANCE_CLUSTER run the stored video jobs that wait; run it again to go on "
    "after an interrupt.",
)
@click.option("--workers", type=click.IntRange(1, 4096), required=True, help="How many, of one core each.")
def run(workers: int) -> None:
    """Every job is run by one process, as a server would."""
    from countenance.cluster import spread

    with installation() as app:
        plan, jobs = app.cluster_plan, app.jobs.videos
        app.check_cluster()
        jobs.recover()
        waiting = jobs.waiting()
        ends = spread(plan, _video_worker, waiting, workers, at_once=1) if waiting else ()
        counts = Counter(state for _, state in track(ends, "video", len(waiting), "jobs"))
    click.echo(f"{len(waiting)} jobs{''.join(f', {count} {state}' for state, count in sorted(counts.items()))}")


def _video_worker() -> Callable[[str], str]:
    from countenance.errors import NotRecorded
    from countenance.jobs import JobState

    runner = opened_on_node().video_runner(0)

    def work(job_id: str) -> str:
        deadline = time.monotonic() + _UNTIL_LOST_S
        state: JobState | None = JobState.WAITING
        while state in (JobState.WAITING, JobState.RUNNING) and time.monotonic() < deadline:
            try:
                state = runner.run_one(job_id)
            except NotRecorded:  # the database is away
                state = JobState.WAITING
            if state in (JobState.WAITING, JobState.RUNNING):
                time.sleep(1)  # also where it is not known yet that the process that ran it is dead
        return "erased" if state is None else str(state)

    return work


def _shown(step_s: float) -> Progress:
    """Frames with a progress bar over the video's declared length."""

    def shown(frames: Iterable[Frame], facts: VideoFacts) -> Iterable[Frame]:
        step_ms = max(1000 * step_s, 1000 / facts.rate if facts.rate else 0.0)
        expected = round(facts.duration_ms / step_ms) if facts.duration_ms and step_ms else None
        return track(frames, "video", expected, "frames")

    return shown


def _say_people(seen: PeopleSeen, lines: dict[int, list[str]]) -> None:
    for track_ in seen.tracks:
        first, last = track_.observations[0].timestamp_ms, track_.last.timestamp_ms
        click.echo(
            f"person {track_.index}: {first / 1000:.1f} to {last / 1000:.1f} s, {len(track_.observations)} frames, "
            f"best at {track_.best.timestamp_ms / 1000:.1f} s"
        )
        for line in lines.get(track_.index, ()):
            click.echo(f"  {line}")


def _say_matches(answer: Answer[VideoSearchAnswer]) -> None:
    from countenance.operations import matches_by_time

    result = answer.result
    for face, candidates in matches_by_time(result):
        leads = [
            {"face_id": c.face.face_id, "external_id": c.face.external_id, "similarity": c.similarity, "fmr": c.fmr}
            for c in candidates
        ]
        line = {"timestamp_ms": face.timestamp_ms, "person": face.person, "box": _box(face.face.box), "leads": leads}
        click.echo(json.dumps(line))
    totals = {"expected_false_matches": result.expected_false_matches, "gallery_size": result.gallery_size}
    click.echo(json.dumps({**_totals(result.seen), **totals, "receipt": answer.receipt}))


def _box(box: BoundingBox) -> list[float]:
    return [round(side, 5) for side in (box.left, box.top, box.width, box.height)]


def _totals(seen: PeopleSeen) -> dict[str, object]:
    facts = seen.facts
    return {
        "people": len(seen.tracks), "faces": len(seen.faces), "frames": seen.frames, "duration_ms": facts.duration_ms,
        "codec": facts.codec, "container": facts.container, "width": facts.width, "height": facts.height,
        "rate": facts.rate, "model": seen.version,
    }  # fmt: skip

"""Five things as they were at an earlier tag and as they are now: a picture, a search, a call, an entry, an audit.

Each tree measures itself in a process of its own, in turns, so that whatever else runs on the machine meets both. Each
has a home with the same faces, and brings its own `benchmarks.server` to set that up. `BENCH_TAG` names the tag.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TAG = os.environ.get("BENCH_TAG", "v0.2.0")
FACES = int(os.environ.get("BENCH_FACES", "100000"))
TURNS = int(os.environ.get("BENCH_TURNS", "5"))
UNCOUNTED = 2
MEASURES = {
    "a picture of 250 x 250 with one face, looked at": 40,
    f"a search in a gallery of {FACES:,}": 40,
    "DescribeCollection, from its signature to its answer, both entries on the disk": 60,
    "an entry of the ledger, until it is on the disk": 60,
    "`audit run` of examples/audit-your-csv": 3,
}
"""What is measured, and how often in each turn; each turn counts by its median."""


def run() -> dict[str, Any]:
    """Measure, and say it as tables."""
    with tempfile.TemporaryDirectory(prefix="countenance-before-") as folder:
        trees = {TAG: unpacked(Path(folder) / "tree"), "now": ROOT}
        homes = {name: Path(folder) / f"home-{at}" for at, name in enumerate(trees)}
        for name, tree in trees.items():
            asked(tree, "prepare", homes[name])
        told: dict[str, list[list[float]]] = {name: [] for name in trees}
        for _ in range(TURNS):
            for name, tree in trees.items():
                told[name].append(json.loads(asked(tree, "measure", homes[name]).splitlines()[-1]))
    return {
        "what": __doc__.partition("\n")[0] if __doc__ else "",
        "tag": TAG,
        "turns": TURNS,
        "milliseconds": told,
        "tables": [
            {
                "title": f"{TAG} and now, in turns",
                "note": f"Milliseconds: the median of {TURNS} turns, and their range. One caller, in one process.",
                "rows": [
                    row(what, [turn[at] for turn in told[TAG]], [turn[at] for turn in told["now"]])
                    for at, what in enumerate(MEASURES)
                ],
            }
        ],
    }


def row(what: str, before: list[float], now: list[float]) -> dict[str, Any]:
    """One line of the table. before, now: milliseconds, one for each turn."""
    return {
        "what": what,
        f"{TAG}, ms": statistics.median(before),
        f"{TAG}, range": f"{min(before):.3g} to {max(before):.3g}",
        "now, ms": statistics.median(now),
        "now, range": f"{min(now):.3g} to {max(now):.3g}",
        "now / before": statistics.median(now) / statistics.median(before),
    }


def unpacked(folder: Path) -> Path:
    """The files of the tag."""
    files = subprocess.run(["git", "archive", TAG], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(files)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def asked(tree: Path, what: str, home: Path) -> str:
    """What this file says when the code of `tree` runs it."""
    environment = {**os.environ, "PYTHONPATH": f"{tree / 'src'}:{tree}", "PYTHONSAFEPATH": "1"}
    command = [sys.executable, str(Path(__file__).resolve()), what, str(tree), str(home)]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{tree.name}: {done.stderr[-2000:]}")
    return done.stdout


# what follows runs in a process of the tree that is measured, whose modules it finds by PYTHONPATH


def measure(what: str, tree: Path, home: Path) -> None:
    """Prepare the home of a tree, or print its milliseconds by measure as JSON."""
    import countenance
    from benchmarks import server
    from countenance import settings

    assert Path(countenance.__file__).is_relative_to(tree), countenance.__file__
    own = settings.load({**os.environ})
    place = replace(own, home=home, weights=own.models_cache)
    photos = server.pictures(16)
    if what == "prepare":
        key = server.prepare(place, photos, FACES)
        (home / "bench.key").write_text(json.dumps([key.access_key, key.secret]))
        return
    print(json.dumps([1000 * took for took in (*of_server(server, place, photos), of_audit(tree))]))


def of_server(server: Any, place: Any, photos: list[bytes]) -> Iterable[float]:
    """Seconds of the first four measures."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    app = server.Countenance.open(place)
    threadpool_limits(1, user_api="blas")  # as `serve` has it
    counts = list(MEASURES.values())
    try:
        seen = app.engine.look(photos[0])
        (probe,) = app.engine.embed(seen, seen.faces[:1])
        yield median(lambda at: app.engine.look(photos[at % len(photos)]), counts[0])
        yield median(lambda _: app.gallery.search(server.GALLERY, probe, limit=10, min_score=0.0), counts[1])
        key = json.loads((place.home / "bench.key").read_text())
        rekognition = app._rekognition()
        calls = [claimed(server, rekognition, *key) for _ in range(counts[2] + UNCOUNTED)]
        yield median(
            lambda at: rekognition._carried_out("DescribeCollection", calls[at][0], key[1], calls[at][1]), counts[2]
        )
        entry = {"kind": "note", "verdict": "permit"}
        yield median(lambda at: app.ledger.append({**entry, "number": at}, {"who": "nobody"}).wait(), counts[3])
    finally:
        app.close()


def claimed(server: Any, rekognition: Any, access_key: str, secret: str) -> tuple[Any, bytes]:
    """A signed DescribeCollection as the dialect has it after the headers, and its body."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    body = json.dumps({"CollectionId": server.GALLERY}).encode()
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "RekognitionService.DescribeCollection",
    }
    request = AWSRequest("POST", "http://127.0.0.1/", headers, body)
    SigV4Auth(Credentials(access_key, secret), "rekognition", "us-east-1").add_auth(request)
    named = "regions" if hasattr(rekognition, "_regions") else "region"
    where = {named: getattr(rekognition, f"_{named}")}
    return server.claim(server._raw(dict(request.headers)), b"", now=datetime.now(UTC), **where), body


def of_audit(tree: Path) -> float:
    """Seconds of one `audit run`, without the start of the process."""
    from click.testing import CliRunner

    from countenance.cli.audit import audit

    def done(*arguments: str) -> None:
        shutil.rmtree("bundle", ignore_errors=True)
        result = CliRunner().invoke(audit, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output

    with tempfile.TemporaryDirectory() as folder:
        place = Path(shutil.copytree(tree / "examples" / "audit-your-csv", Path(folder) / "example"))
        subprocess.run([sys.executable, "make_scores.py"], cwd=place, check=True, capture_output=True)
        with contextlib.chdir(place):
            done("plan", "draft.toml", "-o", "plan.json")
            times = list(MEASURES.values())[4]
            return median(lambda _: done("run", "plan.json", "-o", "bundle", "--key", "key"), times)


def median(work: Callable[[int], object], count: int) -> float:
    """The median seconds of `count` times; `UNCOUNTED` before them are not counted."""
    took = []
    for at in range(count + UNCOUNTED):
        began = time.perf_counter()
        work(at)
        took.append(time.perf_counter() - began)
    return statistics.median(took[UNCOUNTED:])


if __name__ == "__main__":
    measure(sys.argv[1], Path(sys.argv[2]).resolve(), Path(sys.argv[3]))

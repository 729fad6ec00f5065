"""An attack on a face comparison by somebody who sees its answers only: change a picture step by step until it matches.

The attacker has a key, a picture of somebody else, and a picture of the victim that the server compares with (or a user
or gallery that the victim is in). Each step adds a smooth random change to the picture of the other person, asks, and
keeps what is answered with more. Success: the picture that the attacker ends with matches the victim.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from countenance.app import Countenance
from countenance.budgets import Budgets, Spending, read_defaults
from countenance.database import open_database
from countenance.errors import BudgetSpent, NoFace
from countenance.mandates import Holder, Terms
from countenance.operations import Associate, Caller, Compare, CreateGallery, CreateUser, Enrol, QualityFilter
from countenance.settings import Settings

MATCHES = 80.0
"""The similarity from which a picture is taken to match: a false match rate of 1e-3."""

Answer = Callable[[bytes], float | None]
"""What is told of a picture: a similarity, 0 for nothing; None when the budget is spent."""
SIDE = 160


@dataclass(frozen=True)
class Climb:
    """How an attack went. calls: answered. told: the best similarity told. picture: what the attacker ends with."""

    calls: int
    told: float
    picture: bytes


def climb(start: np.ndarray, ask: Answer, seed: int, most: int, *, guided: bool = True, step: float = 24.0) -> Climb:
    """Climb from the picture `start` (side, side, 3) with at most `most` calls.

    A (1+1) evolution strategy in the low frequencies of the picture, with the step adapted by success. guided: whether
    answers are used; without them it is what chance gives for as many pictures.
    """
    random = np.random.default_rng(seed)
    best, told, calls = start.astype(np.float32), -1.0, 0
    while calls < most:
        change = random.normal(size=(10, 10, 3)).astype(np.float32)
        tried = np.clip(best + step * cv2.resize(change, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), 0, 255)
        if calls == 0:
            tried = best
        picture = encoded(tried)
        answer = ask(picture)
        if answer is None:
            break
        calls += 1
        better = answer > told if guided else True
        if better or (guided and answer == told and random.random() < 0.5):
            best = tried
        step = float(np.clip(step * (1.2 if better else 0.96), 4.0, 40.0))
        told = max(told, answer)
        if told >= 99.0:
            break
    return Climb(calls, max(0.0, told), encoded(best))


def encoded(picture: np.ndarray) -> bytes:
    """As a PNG."""
    done, content = cv2.imencode(".png", picture.astype(np.uint8))
    assert done
    return content.tobytes()


def faces_of(path: Path) -> np.ndarray:
    """The middle of a picture of LFW, (side, side, 3)."""
    picture = cv2.imread(str(path))
    assert picture is not None
    return cv2.resize(picture[40:210, 40:210], (SIDE, SIDE))


def people(least: int) -> Iterator[tuple[str, list[Path]]]:
    """People of LFW with at least so many pictures, in the order of their names."""
    root = Path(os.environ["COUNTENANCE_DATA"]) / "lfw"
    by_name: dict[str, list[Path]] = {}
    for path in sorted((root / "images").rglob("*.jpg")):
        by_name.setdefault(path.stem.rpartition("_")[0], []).append(path)
    for name, paths in by_name.items():
        if len(paths) >= least:
            yield name, paths


class Scene:
    """An installation of its own with real models, and mandates with budgets as wanted."""

    def __init__(self, home: Path, weights: Path) -> None:
        self.app = Countenance.open(Settings(home=home, weights=weights))
        self._known = lru_cache(maxsize=16)(self._template)

    def mandate(self, purpose: str, budget: str) -> Caller:
        """A caller under a new mandate for research on a published set, with that budget."""
        mandates, facts = self.app.mandates, '{"gallery": {"provenance": "published_set"}}'
        terms = Terms("research", "research", ("*",), ("*",), facts, budget)
        asked = mandates.request(
            Holder(purpose), terms, requested_by="ann", expires_at=datetime.now(UTC) + timedelta(days=1)
        )
        mandates.approve(asked.mandate_id, approved_by="ben")
        return Caller(mandates.issue_key(asked.mandate_id, to="ann").access_key)

    def similarity(self, picture: bytes, other: bytes) -> float:
        """The exact similarity of the largest faces of two pictures, 0 without a face; what no door tells."""
        tools = self.app.tools
        probe, enrolled = self._template(picture), self._known(other)
        if probe is None or enrolled is None:
            return 0.0
        score = tools.normaliser.probe_side(probe[None, :]) @ tools.normaliser.gallery_side(enrolled[None, :]).T
        return float(tools.calibration.similarity(float(score[0, 0])))

    def _template(self, picture: bytes) -> np.ndarray | None:
        engine = self.app.engine
        seen = engine.look(picture)
        return engine.embed(seen, seen.faces[:1])[0].vector if seen.faces else None

    def compare(self, caller: Caller, victim: bytes) -> Answer:
        """CompareFaces at threshold 0."""

        def ask(picture: bytes) -> float | None:
            try:
                done = self.app.guard.carry_out(caller, Compare(picture, victim, similarity=0.0)).result
            except BudgetSpent:
                return None
            except NoFace:
                return 0.0
            return max((similarity for _, similarity in done.matches), default=0.0)

        return ask

    def associate(self, caller: Caller, victim: bytes, gallery: str) -> Answer:
        """IndexFaces, then AssociateFaces with a user who has the victim's face, with a threshold out of reach."""
        run = self.app.guard.carry_out
        run(caller, CreateGallery(gallery, {}))
        run(caller, CreateUser(gallery, "victim"))
        first = run(caller, Enrol(gallery, victim, max_faces=1, quality=QualityFilter.NONE)).result.faces[0][0].face_id
        run(caller, Associate(gallery, "victim", (first,), 0.0))

        def ask(picture: bytes) -> float | None:
            try:
                faces = run(caller, Enrol(gallery, picture, max_faces=1, quality=QualityFilter.NONE)).result.faces
                if not faces:
                    return 0.0
                done = run(caller, Associate(gallery, "victim", (faces[0][0].face_id,), 100.0)).result
            except BudgetSpent:
                return None
            return max((each.similarity or 0.0 for each in done.refused), default=100.0 if done.face_ids else 0.0)

        return ask


def attacked(scene: Scene, victims: int, most: int) -> dict[str, Any]:
    """Attack so many people of LFW by every door, with and without a budget, and by chance."""
    chosen = [paths for _, paths in people(4)][:: max(1, 400 // victims)][:victims]
    starts = [paths[0] for _, paths in people(1) if len(paths) == 1][:victims]
    default = read_defaults()["default"].text()
    rows: dict[str, list[tuple[Climb, float, float]]] = {}
    for n, (paths, other) in enumerate(zip(chosen, starts, strict=True)):
        victim, unseen, start = paths[0].read_bytes(), [path.read_bytes() for path in paths[1:4]], faces_of(other)
        wide, bounded = scene.mandate("wide", ""), scene.mandate("bounded", default)
        doors: dict[str, tuple[Answer, bool, int]] = {
            "exact scores, no budget": (partial(scene.similarity, other=victim), True, most),
            "CompareFaces, budget of research": (scene.compare(wide, victim), True, most),
            "CompareFaces, default budget": (scene.compare(bounded, victim), True, most),
            "AssociateFaces, default budget": (scene.associate(bounded, victim, f"g{n}"), True, most),
            "no answers at all": (partial(scene.similarity, other=victim), False, 20),
        }
        for name, (ask, guided, calls) in doors.items():
            done = climb(start, ask, n, calls, guided=guided)
            seen = scene.similarity(done.picture, victim)
            others = sum(scene.similarity(done.picture, each) >= MATCHES for each in unseen) / len(unseen)
            rows.setdefault(name, []).append((done, seen, others))
    return {name: _summary(each) for name, each in rows.items()}


def _summary(rows: list[tuple[Climb, float, float]]) -> dict[str, Any]:
    return {
        "attacks": len(rows),
        "calls_median": int(np.median([climbed.calls for climbed, _, _ in rows])),
        "calls_most": max(climbed.calls for climbed, _, _ in rows),
        "matched": sum(seen >= MATCHES for _, seen, _ in rows),
        "matched_at_99": sum(seen >= 99.0 for _, seen, _ in rows),
        "similarity_median": round(float(np.median([seen for _, seen, _ in rows])), 1),
        "unseen_pictures_matched": round(float(np.mean([others for _, _, others in rows])), 3),
    }


def spending_cost() -> dict[str, float]:
    """Microseconds that the account of a comparison takes, with no and with many sketches of the last 24 hours."""
    with tempfile.TemporaryDirectory() as folder:
        budgets = Budgets(open_database(Path(folder) / "db.sqlite"), bytes(32), lambda: datetime.now(UTC))
        wide, random = read_defaults()["research"], np.random.default_rng(0)
        cost = {}
        for name, before, probed in (("without_probe", 0, False), ("with_probe", 0, True), ("with_5000", 5000, True)):
            vectors = random.normal(size=(before + 300, 1, 128)).astype(np.float32)
            for vector in vectors[:before]:
                budgets.spend("m", "k", "g", wide, Spending(1, vector))
            began = time.perf_counter()
            for vector in vectors[before:]:
                budgets.spend("m", "k", "g", wide, Spending(1, vector) if probed else Spending(1))
            cost[f"{name}_us"] = round((time.perf_counter() - began) / 300 * 1e6, 1)
        return cost


def run() -> dict[str, Any]:
    """What `python -m benchmarks climbing` measures."""
    weights = Path(os.environ.get("COUNTENANCE_HOME", "data")) / "models"
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder) / "home", weights)
        try:
            return {"attacks": attacked(scene, victims=20, most=300), "cost": spending_cost()}
        finally:
            scene.app.close()

"""Whether somebody with a key, who sees answers only, can make a picture that matches a victim, budgets or none.

The attacker has what everybody has: the model, its calibration, and pictures of strangers. The first questions are
strangers; each answer says between which bounds the victim's template lies from a template that the attacker knows, so
an estimate of the victim's follows (expectation propagation). From that the attacker makes a face, out of eigenfaces of
the strangers, whose own template comes as close to it as can be, asks with that, and so on.

How often the estimate itself would match, as if a perfect picture of it could be made, is counted for more victims and
answers: no picture made from the same answers does better.

    python -m benchmarks climbing        about six minutes on two cores that are free

In short, to see that it runs: BENCH_CLIMBING_VICTIMS=1 BENCH_CLIMBING_LOOKED_AT=4 BENCH_CLIMBING_STRANGERS=300
BENCH_CLIMBING_PROBES=100.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from countenance.app import Countenance
from countenance.binding import no_heads
from countenance.budgets import Budgets, Spending, read_defaults
from countenance.database import open_database
from countenance.engine import Engine, Picture
from countenance.engine.alignment import TARGET, similarity
from countenance.engine.detector import five
from countenance.errors import BudgetSpent, NoFace
from countenance.faces import DetectedFace, Landmarks, Pixels, Point
from countenance.ledger import Ledger, named_heads
from countenance.mandates import Holder, Terms
from countenance.metrics.statistics.intervals import wilson
from countenance.operations import Associate, Caller, Compare, CreateGallery, CreateUser, Enrol, QualityFilter, Tools
from countenance.scoring.coarse import EXACT_FROM
from countenance.settings import Settings
from countenance.signing import Signer

MATCHES = 80.0
"""The similarity from which a picture is taken to match: a false match rate of 1e-3."""

SIDE, MARGIN = 176, 32
"""Of the pictures that are made, pixels: the embedder's cut and what lies around it."""
FACES = 48
"""How many eigenfaces pictures are made of."""
VICTIMS = int(os.environ.get("BENCH_CLIMBING_VICTIMS", "3"))
LOOKED_AT = int(os.environ.get("BENCH_CLIMBING_LOOKED_AT", "40"))
"""How many people are attacked with pictures; and whose templates are estimated."""
STRANGERS = int(os.environ.get("BENCH_CLIMBING_STRANGERS", "1250"))
"""How many people the attacker has one picture of; a fifth of them while pictures are made."""
PROBES = int(os.environ.get("BENCH_CLIMBING_PROBES", "5000"))
"""How many earlier probes a gallery has sketches of where the account's cost is measured."""
ANSWERS = (0, 20, 50, 100, 250, 1000)
"""How many strangers' answers templates are estimated from."""

Rows = NDArray[np.float32]
Told = tuple[float, float]
"""Between which similarities (0..100) a picture lies, as far as it was told."""
Ask = Callable[[bytes], Told | None]
"""What is told of a picture; None when the budget is spent."""


def told_exactly(similarity: float) -> Told:
    """As no operation does."""
    return similarity, similarity


def told_in_steps(similarity: float) -> Told:
    """In steps of 25 below 75, as operations once did."""
    low = similarity // 25 * 25
    return (similarity, similarity) if similarity >= EXACT_FROM else (low, low + 25)


def told_by_operations(similarity: float) -> Told:
    """As every operation does: below 75 nothing but that."""
    return (similarity, similarity) if similarity >= EXACT_FROM else (0.0, EXACT_FROM)


TOLD = {"exactly": told_exactly, "in steps of 25 below 75": told_in_steps, "below 75 only that": told_by_operations}


@dataclass(frozen=True)
class Climb:
    """How an attack went. calls: answered. first_match: the call that reached `MATCHES` as told, 0 for none.

    told: the highest similarity. picture: the last one of those that were told the highest.
    """

    calls: int
    told: float
    first_match: int
    picture: bytes


class Knowledge:
    """What everybody knows of templates: how strangers' vary, and what a similarity says of a score."""

    def __init__(self, tools: Tools, strangers: Rows) -> None:
        self._calibration, self._normaliser = tools.calibration, tools.normaliser
        crowding = self._crowding(strangers)
        self._cover = np.zeros((strangers.shape[1] + 1,) * 2)
        self._cover[:-1, :-1] = np.cov(strangers.T) + 1e-5 * np.eye(strangers.shape[1])
        self._cover[-1, -1] = crowding.var()  # of what the victim's own crowding takes off every score
        self._mean = np.append(strangers.mean(axis=0), -crowding.mean())

    def estimate(self, templates: Rows, told: Sequence[Told]) -> Rows:
        """The victim's template, as far as the answers to pictures with these templates tell it; norm 1."""
        bounds = np.array([[self._score(low, -np.inf), self._score(high, np.inf)] for low, high in told])
        bounds = bounds.reshape(-1, 2) + self._crowding(templates)[:, None]
        rows = np.hstack([templates, np.ones((len(templates), 1))])
        found = expected(rows, bounds, self._mean, self._cover)[:-1]
        return np.asarray(found / np.linalg.norm(found), np.float32)

    def _score(self, similarity: float, end: float) -> float:
        return float(self._calibration.score(similarity)) if 0.0 < similarity < 100.0 else end

    def _crowding(self, templates: Rows) -> NDArray[Any]:
        """What the normaliser takes off a score for the probe; (n,)."""
        sides = self._normaliser.probe_side(templates), self._normaliser.gallery_side(templates)
        return np.asarray((1.0 - (sides[0] * sides[1]).sum(axis=1)) / 2)


def expected(
    rows: NDArray[Any], bounds: NDArray[Any], mean: NDArray[Any], cover: NDArray[Any], noise: float = 0.003
) -> NDArray[Any]:
    """The mean of w, normal with `mean` and `cover`, where bounds[i, 0] <= rows[i] . w + noise <= bounds[i, 1].

    Expectation propagation (Minka, 2001), three times over all rows; equal bounds are a measurement.
    """
    mean, cover = mean.astype(float), cover.copy()
    precision, pull = np.zeros(len(rows)), np.zeros(len(rows))
    for i in [*range(len(rows))] * 3:
        side = cover @ rows[i]
        variance, middle = float(rows[i] @ side), float(rows[i] @ mean)
        low, high = bounds[i]
        if high - low < 1e-9:
            new = (1 / noise**2, low / noise**2)
        else:
            rest = 1 - precision[i] * variance
            if rest <= 1e-9:
                continue
            alone, at = variance / rest, (middle - pull[i] * variance) / rest
            spread = np.sqrt(alone + noise**2)
            ends = (np.array([low, high]) - at) / spread
            inside = float(np.diff(ndtr(ends))[0])
            if inside < 1e-12:
                continue
            heights = np.exp(-(ends**2) / 2) / np.sqrt(2 * np.pi)
            moved = float(heights[0] - heights[1]) / inside
            weighed = np.where(np.isfinite(ends), ends, 0.0) * heights
            less = moved**2 - float(weighed[0] - weighed[1]) / inside
            left = alone * (1 - alone / spread**2 * less)
            if not 0 < left < alone * (1 - 1e-9):
                continue
            new = (1 / left - 1 / alone, (at + alone / spread * moved) / left - at / alone)
        more, further = new[0] - precision[i], new[1] - pull[i]
        cover -= np.outer(side, side) * (more / (1 + more * variance))
        mean += side * ((further - more * middle) / (1 + more * variance))
        precision[i], pull[i] = new
    return mean


class Studio:
    """What the attacker has at home: the model, and strangers' pictures."""

    def __init__(self, tools: Tools, strangers: Sequence[Path]) -> None:
        self._engine, self._normaliser, self._calibration = tools.engine, tools.normaliser, tools.calibration
        frames: list[Pixels] = []
        for path in strangers:
            seen = self._engine.look(path.read_bytes())
            if seen.faces:
                self._face: DetectedFace = seen.faces[0]
                frames.append(_frame(seen))
        self.pictures = [encoded(frame) for frame in frames]
        self.templates = self._embedded(frames)
        whole = np.stack(frames).reshape(len(frames), -1).astype(np.float32)
        self._mean = whole.mean(axis=0)
        off = whole - self._mean
        sizes, vectors = np.linalg.eigh(off @ off.T)
        sizes, vectors = sizes[::-1][:FACES], vectors[:, ::-1][:, :FACES]
        self._spread = np.sqrt(sizes / len(frames))
        self._axes = np.ascontiguousarray((off.T @ vectors) / np.sqrt(sizes), np.float32)
        self._places = off @ self._axes / self._spread
        self._knowledge = Knowledge(tools, self.templates)

    def seen(self, picture: bytes) -> Rows | None:
        """The template of the largest face of a picture."""
        seen = self._engine.look(picture)
        return self._engine.embed(seen, seen.faces[:1])[0].vector if seen.faces else None

    def estimate(self, templates: Sequence[Rows], told: Sequence[Told]) -> Rows:
        """See `Knowledge.estimate`."""
        return self._knowledge.estimate(np.stack(templates), told)

    def face_like(self, template: Rows, steps: int = 3) -> bytes:
        """A picture whose template comes close to `template`: Gauss-Newton from the stranger who is most like it."""
        place = self._places[int((self.templates @ template).argmax())]
        best = float(self._made([place])[0] @ template)
        for _ in range(steps):
            base = self._made([place])[0]
            slope = (self._made(list(place + 0.5 * np.eye(FACES))) - base) / 0.5
            square, pull = slope @ slope.T, slope @ (template - base)
            tried = [
                np.clip(place + length * np.linalg.solve(square + damping * np.eye(FACES), pull), -3.5, 3.5)
                for damping in (0.003, 0.01, 0.03, 0.1)
                for length in (0.5, 1.0, 2.0)
            ]
            near = self._made(tried) @ template
            if near.max() < best + 1e-3:
                break
            best, place = float(near.max()), tried[int(near.argmax())]
        return encoded(self._pictures([place])[0])

    def _pictures(self, places: Sequence[NDArray[Any]]) -> NDArray[np.uint8]:
        flat = self._mean + (np.stack(places) * self._spread).astype(np.float32) @ self._axes.T
        return np.asarray(np.clip(flat, 0, 255), np.uint8).reshape(-1, SIDE, SIDE, 3)

    def _made(self, places: Sequence[NDArray[Any]]) -> Rows:
        return self._embedded(self._pictures(places))

    def _embedded(self, frames: Sequence[Pixels] | NDArray[np.uint8]) -> Rows:
        """The templates of frames, put one above the other so that they go through the network together."""
        sheet = np.concatenate(frames)
        faces = [replace(self._face, landmarks=_marks(row, len(frames))) for row in range(len(frames))]
        found = self._engine.embed(Picture(SIDE, len(sheet), (), sheet), faces)
        return np.stack([each.vector for each in found])


def _marks(row: int, rows: int) -> Landmarks:
    """Where the embedder wants a face, in frame `row` of a sheet of `rows` frames."""
    places = TARGET + MARGIN
    return Landmarks(*(Point(float(x) / SIDE, (float(y) / SIDE + row) / rows) for x, y in places))


def _frame(seen: Picture) -> Pixels:
    """The largest face, where the embedder wants it, with a margin."""
    to = similarity(seen.position(five(seen.faces[0].landmarks)), TARGET + MARGIN)
    return np.asarray(cv2.warpAffine(seen.pixels, to, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def encoded(picture: Pixels) -> bytes:
    """As a PNG."""
    done, content = cv2.imencode(".png", picture)
    assert done
    return content.tobytes()


def climb(studio: Studio, ask: Ask, most: int, strangers: int, seed: int) -> Climb:
    """Attack with at most `most` calls, the first `strangers` of them with pictures of people of the studio."""
    order = np.random.default_rng(seed).permutation(len(studio.pictures))[:strangers]
    templates: list[Rows] = []
    told: list[Told] = []
    pictures: list[bytes] = []
    while len(told) < most:
        template: Rows | None
        if len(told) < len(order):
            stranger = order[len(told)]
            picture, template = studio.pictures[stranger], studio.templates[stranger]
        else:
            picture = studio.face_like(studio.estimate(templates, told))
            template = studio.seen(picture)
        answer = ask(picture)
        if answer is None or template is None:
            break
        templates.append(template)
        told.append(answer)
        pictures.append(picture)
        if answer[0] >= MATCHES:
            break
    lows = [low for low, _ in told]
    first = next((n for n, low in enumerate(lows, 1) if low >= MATCHES), 0)
    best = max(range(len(lows)), key=lambda n: (lows[n], n), default=0)  # the last one is made of most answers
    return Climb(len(told), max(lows, default=0.0), first, pictures[best] if pictures else b"")


def people(least: int) -> list[list[Path]]:
    """People of LFW with at least so many pictures, in the order of their names."""
    by_name: dict[str, list[Path]] = {}
    for path in sorted((Path(os.environ["COUNTENANCE_DATA"]) / "lfw" / "images").rglob("*.jpg")):
        by_name.setdefault(path.stem.rpartition("_")[0], []).append(path)
    return [paths for paths in by_name.values() if len(paths) >= least]


class Scene:
    """An installation of its own with real models, and mandates with budgets as wanted."""

    def __init__(self, home: Path, weights: Path) -> None:
        self.app = Countenance.open(Settings(home=home, weights=weights))
        self.tools = self.app.tools
        assert isinstance(self.tools, Tools)
        assert isinstance(self.tools.engine, Engine)

    def mandate(self, name: str, budget: str) -> Caller:
        """A caller under a new mandate for research on a published set, with that budget."""
        terms = Terms("research", "research", ("*",), ("*",), '{"gallery": {"provenance": "published_set"}}', budget)
        until = datetime.now(UTC) + timedelta(days=1)
        asked = self.app.mandates.request(Holder(name), terms, requested_by="ann", expires_at=until)
        self.app.mandates.approve(asked.mandate_id, approved_by="ben")
        return Caller(self.app.mandates.issue_key(asked.mandate_id, to="ann").access_key)

    def exact(self, victim: bytes) -> Ask:
        """Exact similarities, which no operation tells."""
        template = self._template(victim)
        assert template is not None

        def ask(picture: bytes) -> Told | None:
            probe = self._template(picture)
            return told_exactly(0.0 if probe is None else self.similarity(probe, template))

        return ask

    def truly(self, picture: bytes, victim: bytes) -> float:
        """How similar a picture is to a victim's, 0..100."""
        return (self.exact(victim)(picture) or (0.0, 0.0))[0]

    def similarity(self, probe: Rows, enrolled: Rows) -> float:
        """Of two templates, 0..100."""
        tools = self.tools
        sides = tools.normaliser.probe_side(probe[None, :]), tools.normaliser.gallery_side(enrolled[None, :])
        return float(tools.calibration.similarity(float((sides[0] @ sides[1].T)[0, 0])))

    def _template(self, picture: bytes) -> Rows | None:
        seen = self.tools.engine.look(picture)
        return self.tools.engine.embed(seen, seen.faces[:1])[0].vector if seen.faces else None

    def compare(self, caller: Caller, victim: bytes) -> Ask:
        """CompareFaces at threshold 0."""

        def ask(picture: bytes) -> Told | None:
            try:
                done = self.app.guard.carry_out(caller, Compare(picture, victim, similarity=0.0)).result
            except BudgetSpent:
                return None
            except NoFace:
                return told_by_operations(0.0)
            return told_by_operations(max((similarity for _, similarity in done.matches), default=0.0))

        return ask

    def associate(self, caller: Caller, victim: bytes, gallery: str) -> Ask:
        """IndexFaces, then AssociateFaces with a user who has the victim's face, with a threshold out of reach."""
        run = self.app.guard.carry_out
        run(caller, CreateGallery(gallery, {}))
        run(caller, CreateUser(gallery, "victim"))

        def enrolled(picture: bytes) -> str | None:
            faces = run(caller, Enrol(gallery, picture, max_faces=1, quality=QualityFilter.NONE)).result.faces
            return faces[0][0].face_id if faces else None

        first = enrolled(victim)
        assert first is not None
        run(caller, Associate(gallery, "victim", (first,), 0.0))

        def ask(picture: bytes) -> Told | None:
            try:
                face = enrolled(picture)
                if face is None:
                    return told_by_operations(0.0)
                done = run(caller, Associate(gallery, "victim", (face,), 100.0)).result
            except BudgetSpent:
                return None
            reached = max((each.similarity or 0.0 for each in done.refused), default=100.0 if done.face_ids else 0.0)
            return (reached, 100.0) if reached >= EXACT_FROM else (0.0, EXACT_FROM)

        return ask


def doors_of(scene: Scene, victim: bytes, number: int) -> dict[str, tuple[Ask, int, int]]:
    """How a victim is attacked: whom is asked, the most calls, and how many of them are strangers."""
    bounded = read_defaults()["default"].text()
    return {
        "exact": (scene.exact(victim), 60, 50),
        "CompareFaces": (scene.compare(scene.mandate("bounded", bounded), victim), 100, 18),
        "AssociateFaces": (scene.associate(scene.mandate("bounded", bounded), victim, f"g{number}"), 100, 18),
    }


def attacked(scene: Scene, studio: Studio, whom: Sequence[Sequence[Path]]) -> dict[str, Any]:
    """Attack each of `whom` (their pictures: one is compared with, three are looked at after) by every door."""
    rows: dict[str, list[tuple[Climb, float, float]]] = {}
    for number, paths in enumerate(whom):
        victim = paths[0].read_bytes()
        for door, (ask, most, first) in doors_of(scene, victim, number).items():
            done = climb(studio, ask, most, first, number)
            seen = scene.truly(done.picture, victim)
            others = [scene.truly(done.picture, path.read_bytes()) for path in paths[1:4]]
            rows.setdefault(door, []).append((done, seen, float(np.mean([each >= MATCHES for each in others]))))
    return {door: _summary(each) for door, each in rows.items()}


def estimated(scene: Scene, knowledge: Knowledge, strangers: Rows, whom: Sequence[Rows]) -> list[dict[str, Any]]:
    """How often an estimate from so many strangers' answers matches, the more of them the later the row.

    whom: of each victim four templates, of whom the first is compared with. by_chance: how often one of so many
    strangers' own pictures does.
    """
    random, table = np.random.default_rng(0), []
    for called, told in TOLD.items():
        for count in (each for each in ANSWERS if each <= len(strangers)):
            seen, unseen, chance, cosine = [], [], [], []
            for victim in whom:
                asked = strangers[random.permutation(len(strangers))[:count]]
                exact = [scene.similarity(each, victim[0]) for each in asked]
                template = knowledge.estimate(asked, [told(each) for each in exact])
                found = [scene.similarity(template, each) >= MATCHES for each in victim]
                seen.append(found[0])
                unseen += found[1:]
                chance.append(any(each >= MATCHES for each in exact))
                cosine.append(float(template @ victim[0]))
            sure = wilson(sum(seen), len(seen))
            row = {"told": called, "answers": count, "victims": len(whom), "cosine": round(float(np.mean(cosine)), 2)}
            rates = {"matched": sum(seen), "low": round(sure.low, 3), "high": round(sure.high, 3)}
            others = {"unseen_pictures_matched": round(float(np.mean(unseen)), 3), "by_chance": sum(chance)}
            table.append({**row, **rates, **others})
    return table


def chance(scene: Scene, studio: Studio, whom: Sequence[Path], calls: int) -> dict[str, Any]:
    """How often a stranger's own picture reaches `MATCHES`, and one of `calls` strangers: what needs no attack."""
    found = []
    for path in whom:
        template = studio.seen(path.read_bytes())
        if template is not None:
            found.append([scene.similarity(each, template) >= MATCHES for each in studio.templates])
    hits = np.array(found)
    one = float(hits.mean())
    return {"pairs": int(hits.size), "matched": int(hits.sum()), "of_one": one, f"of_{calls}": 1 - (1 - one) ** calls}


def _summary(rows: Sequence[tuple[Climb, float, float]]) -> dict[str, Any]:
    reached = [climbed.first_match for climbed, _, _ in rows if climbed.first_match]
    return {
        "victims": len(rows),
        "calls_median": int(np.median([climbed.calls for climbed, _, _ in rows])),
        "calls_most": max(climbed.calls for climbed, _, _ in rows),
        "matched": sum(seen >= MATCHES for _, seen, _ in rows),
        "calls_to_match_median": int(np.median(reached)) if reached else None,
        "similarity_median": round(float(np.median([seen for _, seen, _ in rows])), 1),
        "unseen_pictures_matched": round(float(np.mean([others for _, _, others in rows])), 3),
    }


def spending_cost() -> dict[str, float]:
    """Microseconds of a call's account: counted by itself, and asked whether the ledger's entries name what is there.

    In turns; with 5,000 sketches of earlier probes, too. start_s: until a new process has read the account.
    """
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        wide, random, now = read_defaults()["research"], np.random.default_rng(0), lambda: datetime.now(UTC)
        ways: dict[str, tuple[Budgets, Ledger]] = {}
        for way, named in (("alone", no_heads), ("asked", named_heads)):
            engine = open_database(Path(folder) / f"{way}.sqlite")
            stack.callback(engine.dispose)
            ledger = Ledger(engine, Signer(bytes(32)), "bench.local/budgets", now)
            stack.callback(ledger.close)
            ways[way] = Budgets(engine, bytes(32), now, named), ledger
        cost: dict[str, float] = {"load_average": round(os.getloadavg()[0], 1)}
        kinds = (("without_probe", 0, False), ("with_probe", 0, True), (f"with_{PROBES}", PROBES, True))
        for name, before, probed in kinds:
            vectors = random.normal(size=(before + 300, 1, 128)).astype(np.float32)
            took: dict[str, list[float]] = {way: [] for way in ways}
            for number, vector in enumerate(vectors):
                for way, (budgets, ledger) in ways.items():
                    began = time.perf_counter()
                    left = budgets.spend("m", "k", "g", wide, Spending(1, vector) if probed else Spending(1))
                    if number >= before:
                        took[way].append(time.perf_counter() - began)
                        ledger.append({"kind": "result", "decision": 0, "charged": left.charged}).wait()
            for way, seconds in took.items():
                cost[f"{name}_{way}_us"] = round(float(np.median(seconds)) * 1e6, 1)
        began = time.perf_counter()
        Budgets(engine, bytes(32), now, named_heads).state("m", wide)
        return {**cost, "charges_read": PROBES + 900, "start_s": round(time.perf_counter() - began, 3)}


def victims() -> list[list[Path]]:
    """The people who are attacked, with four or more pictures each."""
    many = people(4)
    return many[:: len(many) // VICTIMS][:VICTIMS]


def looked_at(studio: Studio, number: int = LOOKED_AT) -> list[Rows]:
    """Four templates of each of so many people, fewer where a picture shows no face."""
    many, whom = people(4), []
    for paths in many[:: len(many) // number][:number]:
        templates = [studio.seen(path.read_bytes()) for path in paths[:4]]
        found = [each for each in templates if each is not None]
        if len(found) == len(templates):
            whom.append(np.stack(found))
    return whom


def strangers_of(studio: Studio) -> Rows:
    """Templates of `STRANGERS` people of whom LFW has one picture."""
    alone = [paths[0] for paths in people(1) if len(paths) == 1]
    seen = [studio.seen(path.read_bytes()) for path in alone[::3][:STRANGERS]]
    return np.stack([each for each in seen if each is not None])


def studio_of(scene: Scene) -> Studio:
    """What the attacker has at home: pictures of people of whom LFW has one picture, so no victim."""
    return Studio(scene.tools, [paths[0] for paths in people(1) if len(paths) == 1][::16][: STRANGERS // 5])


def run() -> dict[str, Any]:
    """What `python -m benchmarks climbing` measures."""
    weights = Path(os.environ.get("COUNTENANCE_HOME", "data")) / "models"
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder) / "home", weights)
        try:
            studio = studio_of(scene)
            by_chance = chance(scene, studio, [paths[0] for paths in people(4)[::20]], 20)
            strangers = strangers_of(studio)
            estimates = estimated(scene, Knowledge(scene.tools, strangers), strangers, looked_at(studio))
            attacks = attacked(scene, studio, victims())
            load = round(os.getloadavg()[0], 1)
            found = {"chance": by_chance, "estimates": estimates, "attacks": attacks, "cost": spending_cost()}
            return tabled({**found, "load_average": load})
        finally:
            scene.app.close()


def tabled(result: dict[str, Any]) -> dict[str, Any]:
    """`result` with what docs/benchmarks.md shows of it."""
    attacks = [{"asked": door, **row} for door, row in result["attacks"].items()]
    account = [{"account of a call": name, "median µs": value} for name, value in result["cost"].items()]
    note = "exact: without budget and with exact scores, which no operation tells. The others: the default budget."
    return {
        "what": "Pictures made step by step from the answers, of people of LFW (docs/threat-model.md).",
        **result,
        "tables": [
            {"title": "Attacks on comparisons", "note": note, "rows": attacks},
            {"title": "Templates estimated from strangers' answers", "rows": result["estimates"]},
            {"title": "Strangers' own pictures that match", "rows": [result["chance"]]},
            {"title": "What the account of a call takes", "note": "A call without account takes 0.", "rows": account},
        ],
    }

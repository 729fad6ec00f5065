"""An audit of a live service: every image is looked for a face, every drawn pair is compared."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from countenance.audit.formats.plan import LiveApi
from countenance.audit.sources.faces import Outcomes
from countenance.audit.sources.images import LabelledImages, labelled_images
from countenance.audit.sources.live.cassette import Cassette, RecordedQuestion, RecordedReply
from countenance.audit.sources.live.cost import Estimate, price_of
from countenance.audit.sources.live.draw import Pairs, draw_pairs
from countenance.audit.sources.live.pacing import Pacer
from countenance.audit.sources.live.service import Service
from countenance.audit.sources.people import LabelledPeople
from countenance.audit.sources.scored import ScoredComparisons
from countenance.errors import BadRequest, NotFound
from countenance.metrics import Comparisons
from countenance.progress import track


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """What will be asked. hashes: sha256 of each image; used: positions of the images that some pair needs."""

    images: LabelledImages
    hashes: tuple[str, ...]
    pairs: Pairs


def draw(source: LiveApi, folder: Path, factors: Sequence[str], seed: int, contradictions: str = "error") -> Drawn:
    """Read the labels and draw the pairs. BadRequest: as `labelled_images`. NotFound: an image is not there."""
    images = labelled_images(
        folder / source.folder, folder / source.labels, source.file, source.subject, factors, contradictions
    )
    missing = [path for path in images.paths if not path.is_file()]
    if missing:
        raise NotFound(f"{len(missing)} of {len(images.paths)} images are not there")
    grouping = images.labelled.people.grouping(source.draw_by or factors[0])
    pairs = draw_pairs(images.labelled.subjects, grouping, source, seed)
    if not len(pairs.first):
        raise BadRequest("no pair can be drawn from these labels")
    return Drawn(images, tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in images.paths), pairs)


def estimate(source: LiveApi, drawn: Drawn, cassette: Cassette | None) -> Estimate:
    """What is still to be asked, its price and time."""

    kept = {h for h, who in zip(drawn.hashes, drawn.images.labelled.subjects, strict=True) if who >= 0}
    detections = sum(cassette is None or cassette.known(RecordedQuestion("detect", (one,))) is None for one in kept)
    comparisons = len(_open(drawn, cassette))
    calls = detections + comparisons
    price = price_of(source.client)
    own = source.endpoint is not None and source.client == "rekognition"
    return Estimate(detections, comparisons, calls / source.calls_per_second, calls * price.per_call, price, own)


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """All answers: comparisons and what became of every image."""

    scored: ScoredComparisons
    outcomes: Outcomes


def ask(drawn: Drawn, service: Service | None, cassette: Cassette, pacer: Pacer, floor: float, now: float) -> Asked:
    """Ask whatever the cassette does not hold. service None: replay. floor: lowest similarity asked for.

    An interrupt loses nothing: run it again with the same cassette. now: seconds since 1970.
    """
    subjects = drawn.images.labelled.subjects
    kept = np.flatnonzero(subjects >= 0)
    needed = {image for question in _open(drawn, cassette) for image in question.images}
    looks: dict[str, RecordedReply] = {}
    for at in track(kept.tolist(), "images", len(kept), "images"):
        if drawn.hashes[at] not in looks:
            looks[drawn.hashes[at]] = _detect(drawn, at, service, cassette, pacer, needed, now)
    replies = [
        _compare(drawn, at, service, cassette, pacer, looks)
        for at in track(range(len(drawn.pairs.first)), "comparisons", len(drawn.pairs.first), "pairs")
    ]
    outcomes = _outcomes([looks[drawn.hashes[at]] for at in kept], subjects[kept])
    return Asked(_scored(drawn, replies, floor, cassette), outcomes)


def _detect(
    drawn: Drawn, at: int, service: Service | None, cassette: Cassette, pacer: Pacer, needed: set[str], now: float
) -> RecordedReply:
    question = RecordedQuestion("detect", (drawn.hashes[at],))
    known = cassette.known(question)
    stale = (
        known is not None
        and service is not None
        and bool(known.token)
        and drawn.hashes[at] in needed
        and not service.fresh(known, now)
    )

    def call() -> RecordedReply:
        assert service is not None
        pacer.wait()
        return service.detect(drawn.images.paths[at].read_bytes())

    return cassette.ask(question, call, again=stale)


def _open(drawn: Drawn, cassette: Cassette | None) -> set[RecordedQuestion]:
    """Comparisons still to be asked: not those on the cassette, nor those of pictures known to have no face."""
    questions = {_comparison(drawn, at) for at in range(len(drawn.pairs.first))}
    if cassette is None:
        return questions
    looks = {image: cassette.known(RecordedQuestion("detect", (image,))) for q in questions for image in q.images}
    faceless = {image for image, look in looks.items() if look is not None and look.state != "answered"}
    return {q for q in questions if cassette.known(q) is None and not faceless.intersection(q.images)}


def _comparison(drawn: Drawn, at: int) -> RecordedQuestion:
    first, second = int(drawn.pairs.first[at]), int(drawn.pairs.second[at])
    return RecordedQuestion("compare", (drawn.hashes[first], drawn.hashes[second]))


def _compare(
    drawn: Drawn, at: int, service: Service | None, cassette: Cassette, pacer: Pacer, looks: dict[str, RecordedReply]
) -> RecordedReply:
    first, second = int(drawn.pairs.first[at]), int(drawn.pairs.second[at])
    seen = looks[drawn.hashes[first]], looks[drawn.hashes[second]]
    for look in seen:
        if look.state != "answered":
            return look

    def call() -> RecordedReply:
        assert service is not None
        pacer.wait()
        paths = drawn.images.paths
        return service.compare(paths[first].read_bytes(), paths[second].read_bytes(), seen[0].token, seen[1].token)

    return cassette.ask(_comparison(drawn, at), call)


def _outcomes(looks: Sequence[RecordedReply], subjects: np.ndarray[tuple[int], np.dtype[np.int32]]) -> Outcomes:
    measures = sorted({name for look in looks for name in look.quality})
    return Outcomes(
        subjects,
        np.array([look.state != "answered" for look in looks], bool),
        np.array([look.state == "refused" for look in looks], bool),
        {name: np.array([look.quality.get(name, np.nan) for look in looks], np.float64) for name in measures},
    )


def _scored(drawn: Drawn, replies: Sequence[RecordedReply], floor: float, cassette: Cassette) -> ScoredComparisons:
    people: LabelledPeople = drawn.images.labelled.people
    subjects = drawn.images.labelled.subjects
    a, b = subjects[drawn.pairs.first], subjects[drawn.pairs.second]
    failed = np.array([reply.state != "answered" for reply in replies], bool)
    told = np.array([np.nan if reply.score is None else reply.score for reply in replies], np.float64)
    censored = ~failed & np.isnan(told)
    if failed.all():
        raise BadRequest("not one pair could be compared")
    comparisons = Comparisons.of(
        told,
        drawn.pairs.same,
        first=a,
        second=b,
        first_group=np.zeros(len(a), np.int64),
        groups=("all",),
        failed=failed,
        censored=censored,
        censor_point=floor if floor > 0 or censored.any() else None,
        larger_is_more_alike=True,
    )
    findings = [*drawn.images.labelled.findings]
    errors = sorted({reply.error for reply in replies if reply.error})
    if errors:
        findings.append(f"the service answered some questions with {', '.join(errors)}; they count as failures")
    span = [reply.at for reply in replies]
    findings.append(
        f"{len(replies)} pairs were compared; the service answered over {(max(span) - min(span)) / 3600:.1f} hours"
    )
    return ScoredComparisons(people, comparisons, a, b, tuple(findings))

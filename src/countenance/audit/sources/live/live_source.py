"""An audit of a live service: it is asked for the faces in every image, then to compare every drawn pair."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from countenance.audit.analysis.faces import FaceAudit
from countenance.audit.analysis.measurement import Outcomes, ScoredComparisons, scored_data
from countenance.audit.formats.plan import LiveApi
from countenance.audit.formats.results import ModelUsed
from countenance.audit.labelled.people import UNSAID, LabelledPeople, Spellings
from countenance.audit.sources.images import LabelledImages, LabelledImageSource, digest_of_images, labelled_images
from countenance.audit.sources.live import azure_face, rekognition
from countenance.audit.sources.live.adapter.description import AdapterFile, read_adapter
from countenance.audit.sources.live.adapter.service import DescribedService
from countenance.audit.sources.live.asked import asked_of, system_asked
from countenance.audit.sources.live.cassette import Cassette, Header, RecordedQuestion, RecordedReply
from countenance.audit.sources.live.cost import Described, Estimate, price_of
from countenance.audit.sources.live.draw import Pairs, draw_pairs
from countenance.audit.sources.source import Equipment, Loaded, sha256_of
from countenance.errors import BadRequest, NotFound
from countenance.metrics import Comparisons
from countenance.progress import track


class Service(Protocol):
    """A face service behind its own client. Errors that concern one image are replies; others are raised:

    Unauthenticated: bad or missing credentials. Denied: the service will not do this. Overloaded: throttled after all
    the client's own retries. Misconfigured: it cannot be reached.
    """

    client: str
    models: tuple[ModelUsed, ...]
    settings: dict[str, str]

    def detect(self, image: bytes) -> RecordedReply:
        """Whether there is a face, and the quality of the largest."""

    def compare(self, first: bytes, second: bytes, first_token: str, second_token: str) -> RecordedReply:
        """The similarity of the largest faces of two images. Tokens: those of the images' detections."""

    def fresh(self, reply: RecordedReply, now: float) -> bool:
        """Whether the token of a recorded detection can still be used."""


class Pacer:
    """Lets calls through evenly, `per_second` at most. clock: seconds, monotonic; sleep: waits so many seconds."""

    def __init__(self, per_second: float, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._interval = 1.0 / per_second
        self._clock = clock
        self._sleep = sleep
        self._next = clock()

    def wait(self) -> None:
        """Return when the next call may be made."""
        now = self._clock()
        if now < self._next:
            self._sleep(self._next - now)
            now = self._next
        self._next = now + self._interval


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """What will be asked. hashes: sha256 of each image."""

    images: LabelledImages
    hashes: tuple[str, ...]
    pairs: Pairs


def draw(
    source: LiveApi,
    folder: Path,
    factors: Sequence[str],
    seed: int,
    contradictions: str = "error",
    spellings: Spellings = UNSAID,
) -> Drawn:
    """Read the labels and draw the pairs. BadRequest: as `labelled_images`. NotFound: an image is not there."""
    images = labelled_images(
        folder / source.folder, folder / source.labels, source.file, source.subject, factors, contradictions, spellings
    )
    missing = [path for path in images.paths if not path.is_file()]
    if missing:
        raise NotFound(f"{len(missing)} of {len(images.paths)} images are not there")
    grouping = images.labelled.people.grouping(source.draw_by or factors[0])
    pairs = draw_pairs(images.labelled.subjects, grouping, source, seed)
    if not len(pairs.first):
        raise BadRequest("no pair can be drawn from these labels")
    return Drawn(images, tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in images.paths), pairs)


def estimate(source: LiveApi, drawn: Drawn, cassette: Cassette | None, described: Described | None = None) -> Estimate:
    """How many calls are still to be made, what they cost and how long they take. described: an adapter's service."""

    hashes = {h for h, who in zip(drawn.hashes, drawn.images.labelled.subjects, strict=True) if who >= 0}
    detections = sum(cassette is None or cassette.known(RecordedQuestion("detect", (one,))) is None for one in hashes)
    comparisons = len(_open(drawn, cassette))
    calls = detections + comparisons
    price = price_of(source.client) if described is None else described.price
    own = source.endpoint is not None and source.client != "azure-face"
    seconds = calls / pace(source, described)
    service = "" if described is None else described.asked
    return Estimate(detections, comparisons, seconds, calls * price.per_call, price, own, service)


def pace(source: LiveApi, described: Described | None) -> float:
    """Calls a second: what the plan says, or the adapter's limit where that is less."""
    return source.calls_per_second if described is None else min(source.calls_per_second, described.calls_per_second)


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
    labelled = np.flatnonzero(subjects >= 0)
    needed = {image for question in _open(drawn, cassette) for image in question.images}
    looks: dict[str, RecordedReply] = {}
    for at in track(labelled.tolist(), "images", len(labelled), "images"):
        if drawn.hashes[at] not in looks:
            looks[drawn.hashes[at]] = _detect(drawn, at, service, cassette, pacer, needed, now)
    replies = [
        _compare(drawn, at, service, cassette, pacer, looks)
        for at in track(range(len(drawn.pairs.first)), "comparisons", len(drawn.pairs.first), "pairs")
    ]
    outcomes = _outcomes([looks[drawn.hashes[at]] for at in labelled], subjects[labelled])
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
    scores = np.array([np.nan if reply.score is None else reply.score for reply in replies], np.float64)
    censored = ~failed & np.isnan(scores)
    if failed.all():
        raise BadRequest("not one pair could be compared")
    comparisons = Comparisons.of(
        scores,
        drawn.pairs.same,
        first=a,
        second=b,
        first_group=np.zeros(len(a), np.int64),
        groups=("all",),
        failed=failed,
        censored=censored,
        censor_point=floor if floor > 0 or censored.any() else None,
        larger_is_more_alike=cassette.header.settings.get("direction", "similarity") == "similarity",
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


@dataclass(frozen=True, slots=True, eq=False)
class OpenedService:
    """A service that is ready to be asked what was drawn. service None: replay."""

    drawn: Drawn
    service: Service | None
    described: Described | None
    cassette: Cassette
    tape: Path


UNSET: Mapping[str, str] = {}
"""Settings that nobody told."""


class LiveSource(LabelledImageSource[LiveApi]):
    """A service asked through its own client or an adapter: drawn pairs compared."""

    def hashes(self) -> dict[str, str]:
        """sha256 of the files that are there, by name; with the adapter, which says what the numbers mean."""
        file = self._adapter()
        return {**super().hashes(), **({} if file is None else {file.file: file.sha256})}

    def estimated(self, equipment: Equipment) -> Estimate | None:
        """What is still to be asked, and what it costs; None where the cassette is replayed."""
        opened = self._opened(equipment)
        return None if opened.service is None else self._estimate(opened)

    def load(self, equipment: Equipment) -> Loaded:
        """The data with its analysis."""
        opened = self._opened(equipment)
        if opened.service is not None:
            equipment.agree(self._estimate(opened))
        source, cassette = self._described, opened.cassette
        pacer = Pacer(pace(source, opened.described), time.monotonic, time.sleep)
        answers = ask(opened.drawn, opened.service, cassette, pacer, source.threshold, time.time())
        return self.loaded(opened.drawn, answers, cassette.header.models, opened.tape, cassette.header.settings)

    def _estimate(self, opened: OpenedService) -> Estimate:
        return estimate(self._described, opened.drawn, opened.cassette, opened.described)

    def _opened(self, equipment: Equipment) -> OpenedService:
        source, plan, tape = self._described, self._plan, equipment.cassette
        if tape is None:
            raise BadRequest("a live service needs a cassette: a file that its answers are kept in")
        file = self._adapter()
        drawn = draw(source, self._folder, plan.groups.factors, plan.seed, plan.contradictions, plan.groups.spellings)
        service: Service | None = None
        described: Described | None = None
        if equipment.replay:
            cassette = Cassette(tape, None)
        else:
            if file is None:
                service = _service(source, equipment.azure_key)
            else:
                own = DescribedService(
                    file, source.endpoint, equipment.environment, ("detect", "compare"), time.time, time.sleep
                )
                service, described = own, own.described
            cassette = Cassette(tape, Header(source.client, service.models, service.settings))
        return OpenedService(drawn, service, described, cassette, tape)

    def loaded(
        self,
        drawn: Drawn,
        answers: Asked,
        models: tuple[ModelUsed, ...],
        tape: Path,
        settings: Mapping[str, str] = UNSET,
    ) -> Loaded:
        """The answers as loaded data; the cassette `tape` is an input. settings: as its header has them."""
        images = {f"{self._described.folder}/": digest_of_images(drawn.hashes), tape.name: sha256_of(tape)}
        inputs = {**self.hashes(), **images}
        file, endpoint = self._adapter(), settings.get("endpoint", self._described.endpoint or "")
        system, finding = system_asked(self._plan.system, self._described, endpoint, file)
        scored = answers.scored
        if finding:
            scored = dataclasses.replace(scored, findings=(finding, *scored.findings))
        data = FaceAudit(scored_data(scored, answers.outcomes))
        service = asked_of(self._described, endpoint, models, file)
        return Loaded(data, inputs, models, service, system if finding else None)

    def check(self) -> tuple[str, ...]:
        """What must be known about the data, and whether the plan names another system than it asks."""
        endpoint = self._described.endpoint or ""
        _, finding = system_asked(self._plan.system, self._described, endpoint, self._adapter())
        return (*((finding,) if finding else ()), *super().check())

    def _adapter(self) -> AdapterFile | None:
        """The adapter that the plan names. BadRequest: what it lacks, or what the plan asks of it in vain."""
        source = self._described
        if source.client in _OWN_CLIENTS:
            return None
        file = read_adapter(source.client, self._folder)
        for call in ("detect", "compare"):
            if call not in file.adapter.calls:
                raise BadRequest(f"{file.file} describes no {call}, which comparisons need")
        if source.threshold:
            raise BadRequest("api.threshold is for rekognition: an adapter's service reports every score; leave it out")
        return file


_OWN_CLIENTS = ("rekognition", "azure-face")


def _service(source: LiveApi, azure_key: str) -> Service:
    if source.client == "rekognition":
        return rekognition.Rekognition(source, rekognition.connect(source), time.time)
    return azure_face.AzureFace(source, azure_face.connect(source, azure_key), time.time)

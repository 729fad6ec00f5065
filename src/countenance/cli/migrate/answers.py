"""The answers of the source and of this server to the same questions. The source's are kept: none is paid for twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from countenance.audit.sources.live.cassette import Cassette, RecordedQuestion, RecordedReply
from countenance.audit.sources.live.live_source import Pacer
from countenance.cli.migrate.questions import SharedQuestion, Shown
from countenance.cli.migrate.source import CloudSource, SourceGallery
from countenance.errors import ImageError, NoFace
from countenance.faces import DetectedFace, EnrolledFace
from countenance.operations import Answer, Caller, Compare, Compared, Guard, SearchByImage
from countenance.progress import track

THRESHOLD = "x-countenance-threshold"
_LEADS = 10


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """One service's answer. found: whether the two are alike or somebody was found; None: the picture was no use.

    score: 0..100, where one was told. labels: whom a search found, by the source's ids: all that are equally like.
    """

    found: bool | None
    score: float | None = None
    labels: tuple[str, ...] = ()
    error: str = ""


class SourceAnswers:
    """The source's answers to `questions`. galleries: those searched, as the source lists them."""

    def __init__(
        self,
        source: CloudSource,
        galleries: Mapping[str, SourceGallery],
        cassette: Cassette,
        threshold: float,
        pacer: Pacer,
    ) -> None:
        self._source, self._galleries, self._cassette = source, galleries, cassette
        self._threshold, self._pacer = threshold, pacer

    def open(self, questions: Sequence[SharedQuestion]) -> tuple[SharedQuestion, ...]:
        """Those without an answer on the cassette."""
        return tuple(q for q in questions if self._cassette.known(_recorded(q)) is None and not self._known_failure(q))

    def ask(self, questions: Sequence[SharedQuestion]) -> int:
        """Ask what is open. The answer: how many were."""
        for question in track(questions, "asking the source", len(questions), "questions"):
            if question.second is None:
                self._kept(_recorded(question), lambda q=question: self._search(q))  # type: ignore[misc]
            else:
                self._compare(question, question.second)
        return len(questions)

    def answer(self, question: SharedQuestion) -> ServiceAnswer:
        """The answer, which must have been asked for."""
        reply = self._known_failure(question) or self._cassette.known(_recorded(question))
        assert reply is not None, "every question is asked first"
        if reply.state != "answered":
            return ServiceAnswer(None, error=reply.error or reply.state)
        matched = reply.score is not None and reply.score >= self._threshold
        if question.second is not None or not matched:
            return ServiceAnswer(matched, reply.score)
        return ServiceAnswer(True, reply.score, (self._label(question.gallery, reply.token),))

    def _label(self, gallery: str, token: str) -> str:
        return face_labels(self._galleries[gallery]).get(token, token)

    def _compare(self, question: SharedQuestion, second: Shown) -> None:
        tokens = ["", ""]
        if self._source.detects_first:
            seen = [self._detect(question.first), self._detect(second)]
            if any(reply.state != "answered" for reply in seen):
                return
            tokens = [reply.token for reply in seen]
        images = question.first.picture.read, second.picture.read
        self._kept(_recorded(question), lambda: self._source.asker.compare(images[0](), images[1](), *tokens))

    def _detect(self, shown: Shown) -> RecordedReply:
        asked = RecordedQuestion("detect", (shown.sha256,))
        known = self._cassette.known(asked)
        stale = known is not None and bool(known.token) and not self._source.asker.fresh(known, time.time())
        return self._kept(asked, lambda: self._source.asker.detect(shown.picture.read()), again=stale)

    def _search(self, question: SharedQuestion) -> RecordedReply:
        return self._source.search(self._galleries[question.gallery], question.first.picture.read(), self._threshold)

    def _kept(self, asked: RecordedQuestion, call: Callable[[], RecordedReply], again: bool = False) -> RecordedReply:
        def paced() -> RecordedReply:
            self._pacer.wait()
            return call()

        return self._cassette.ask(asked, paced, again=again)

    def _known_failure(self, question: SharedQuestion) -> RecordedReply | None:
        """That a picture of a comparison has no face, where the source was asked that first."""
        if question.second is None or not self._source.detects_first:
            return None
        replies = [
            self._cassette.known(RecordedQuestion("detect", (s.sha256,))) for s in (question.first, question.second)
        ]
        return next((reply for reply in replies if reply is not None and reply.state != "answered"), None)


class OwnAnswers:
    """This server's answers, each through the guard. labels: by gallery, what the source calls a face or person here.

    raised: the similarity at which searches were answered, where it was more than was asked for.
    """

    def __init__(
        self, guard: Guard, caller: Caller, similarity: float, labels: Mapping[str, Mapping[str, str]]
    ) -> None:
        self._guard, self._caller, self._similarity, self._labels = guard, caller, similarity, labels
        self.raised: str | None = None

    def answer(self, question: SharedQuestion) -> ServiceAnswer:
        """Ask."""
        try:
            if question.second is None:
                return self._search(question)
            ask = Compare(question.first.picture.read(), question.second.picture.read(), self._similarity)
            return _compared(self._guard.carry_out(self._caller, ask))
        except (NoFace, ImageError) as error:
            return ServiceAnswer(None, error=str(error))

    def _search(self, question: SharedQuestion) -> ServiceAnswer:
        ask = SearchByImage(question.gallery, question.first.picture.read(), _LEADS, self._similarity)
        answer = self._guard.carry_out(self._caller, ask)
        self.raised = answer.headers.get(THRESHOLD, self.raised)
        leads = answer.result.candidates
        if not leads:
            return ServiceAnswer(False)
        best = [each for each in leads if each.similarity == leads[0].similarity]
        labels = tuple(dict.fromkeys(self._label(question.gallery, each.face) for each in best))
        return ServiceAnswer(True, leads[0].similarity, labels)

    def _label(self, gallery: str, face: EnrolledFace) -> str:
        labels = self._labels.get(gallery, {})
        return labels.get(face.external_id or "") or face.external_id or labels.get(face.face_id, face.face_id)


def face_labels(gallery: SourceGallery) -> Mapping[str, str]:
    """How a face of the source is named when answers are compared: by its external id, in a collection that has one.

    In groups the service names people, and in lists a face is named by its own id.
    """
    if gallery.profile is not None:
        return {}
    return {face.face_id: face.external_id or face.face_id for face in gallery.faces}


def _compared(answer: Answer[Compared]) -> ServiceAnswer:
    """Whether the largest face of the second picture is a match, as the source is asked."""
    matches = [(face, score) for face, score in answer.result.matches]
    faces: list[tuple[DetectedFace, float | None]] = [*matches, *((face, None) for face in answer.result.unmatched)]
    _, score = max(faces, key=lambda pair: pair[0].box.area)
    return ServiceAnswer(score is not None, score)


def _recorded(question: SharedQuestion) -> RecordedQuestion:
    if question.second is None:
        return RecordedQuestion(f"search {question.gallery}", (question.first.sha256,))
    return RecordedQuestion("compare", (question.first.sha256, question.second.sha256))

"""The audit of a live service, from the labels to the answers that are analysed."""

from __future__ import annotations

import time
from pathlib import Path

from countenance.audit.analysis.audits import FaceAudit
from countenance.audit.analysis.scored_data import scored_data
from countenance.audit.formats.plan import LiveApi, Plan
from countenance.audit.formats.results import ModelUsed
from countenance.audit.sources.images import LabelledImageSource, digest_of_images
from countenance.audit.sources.live import azure_face, rekognition
from countenance.audit.sources.live.asking import Asked, Drawn, ask, draw, estimate
from countenance.audit.sources.live.cassette import Cassette, Header
from countenance.audit.sources.live.pacing import Pacer
from countenance.audit.sources.live.service import Service
from countenance.audit.sources.source import Equipment, Loaded, hashes_of, sha256_of
from countenance.errors import BadRequest


class LiveSource(LabelledImageSource):
    """A service asked through its own client: drawn pairs compared."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        assert plan.api is not None
        super().__init__(plan, folder, plan.api)
        self._source = plan.api

    def load(self, equipment: Equipment) -> Loaded:
        """The data with its analysis."""
        source, plan, tape = self._source, self._plan, equipment.cassette
        if tape is None:
            raise BadRequest("a live service needs a cassette: a file that its answers are kept in")
        drawn = draw(source, self._folder, plan.groups.factors, plan.seed, plan.contradictions)
        service: Service | None = None
        if equipment.replay:
            cassette = Cassette(tape, None)
        else:
            service = _service(source, equipment.azure_key)
            cassette = Cassette(tape, Header(service.client, service.models, service.settings))
            equipment.agree(estimate(source, drawn, cassette))
        pacer = Pacer(source.calls_per_second, time.monotonic, time.sleep)
        answers = ask(drawn, service, cassette, pacer, source.threshold, time.time())
        return self.loaded(drawn, answers, cassette.header.models, tape)

    def loaded(self, drawn: Drawn, answers: Asked, models: tuple[ModelUsed, ...], tape: Path) -> Loaded:
        """The answers as loaded data; the cassette `tape` is an input like any file."""
        images = {f"{self._source.folder}/": digest_of_images(drawn.hashes), tape.name: sha256_of(tape)}
        inputs = {**hashes_of(self, self._folder), **images}
        return Loaded(FaceAudit(scored_data(answers.scored, answers.outcomes)), inputs, models)


def _service(source: LiveApi, azure_key: str) -> Service:
    if source.client == "rekognition":
        return rekognition.Rekognition(source, rekognition.connect(source), time.time)
    return azure_face.AzureFace(source, azure_face.connect(source, azure_key), time.time)

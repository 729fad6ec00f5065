"""The client: one method for each call of /v1, the same over HTTP and in process."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from countenance.client.bulk import BulkResult, PictureToEnrol, enrol_many
from countenance.client.casework import CaseClient, ReviewClient
from countenance.client.exchange import Exchange, Image, content_of, encoded
from countenance.client.people import MandateClient
from countenance.client.transports import HttpTransport, Transport
from countenance.progress import track
from countenance.signing import JSON
from countenance.wire.faces import (
    AssociationShown,
    BoxShown,
    ComparisonShown,
    DetectionShown,
    EnrolledFaceShown,
    EnrolmentShown,
    ErasureShown,
    FaceListShown,
    GalleryDetail,
    GalleryGone,
    GalleryListShown,
    GalleryShown,
    Quality,
    SearchShown,
    UserListShown,
    UserMade,
    UserShown,
)
from countenance.wire.record import LedgerShown, ProofShown
from countenance.wire.redactions import Codec, RedactionShown, Style

VIDEO_SECONDS = 1800.0
"""How long an answer to a video is waited for, at least: it is covered frame by frame."""


class Client:
    """A server's /v1. Frozen answers; errors of `countenance.errors`, and `ConnectionError` where nobody answers.

    url: http://HOST:PORT, or https. key, secret: an access key of a mandate, for faces and galleries. token: of an
    operator, for mandates, cases, reviews and the ledger's size. timeout: seconds without a byte. May be shared by
    threads. Secrets are sent as they are: use https outside of one machine.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        secret: str | None = None,
        token: str | None = None,
        timeout: float = 60.0,
    ) -> None:
        self._through(HttpTransport(url, timeout), key, secret, token)

    @classmethod
    def through(cls, transport: Transport, key: str | None, secret: str | None, token: str | None) -> Self:
        """A client of another transport."""
        made = cls.__new__(cls)
        made._through(transport, key, secret, token)
        return made

    def _through(self, transport: Transport, key: str | None, secret: str | None, token: str | None) -> None:
        self._exchange = Exchange(transport, key, secret, token)
        self.mandates = MandateClient(self._exchange)
        self.cases = CaseClient(self._exchange)
        self.reviews = ReviewClient(self._exchange)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give back connections, or the data folder."""
        self._exchange.transport.close()

    def detect(self, image: Image) -> DetectionShown:
        """Find the faces of a picture and measure them."""
        return self._exchange.faces(DetectionShown, "POST", "detections", body={"image": encoded(image)})

    def compare(
        self, source: Image, target: Image, *, similarity: float = 80.0, quality: Quality = "AUTO"
    ) -> ComparisonShown:
        """Compare the largest face of one picture with the faces of another. See `outcome`: it may be unfit."""
        body: dict[str, JSON] = {
            "source": encoded(source),
            "target": encoded(target),
            "similarity": float(similarity),
            "quality": quality,
        }
        return self._exchange.faces(ComparisonShown, "POST", "comparisons", body=body)

    def search(
        self, gallery_id: str, image: Image, *, limit: int = 10, similarity: float = 80.0, quality: Quality = "AUTO"
    ) -> SearchShown:
        """Search for the largest face of a picture. similarity: 0..100, raised to what the evidence carries."""
        return self._search(gallery_id, limit, similarity, image=encoded(image), faces="largest", quality=quality)

    def search_all(
        self, gallery_id: str, image: Image, *, limit: int = 10, similarity: float = 80.0, quality: Quality = "AUTO"
    ) -> SearchShown:
        """Search for every face of a picture: one result each. Leads that two of them share are marked (`sibling`)."""
        return self._search(gallery_id, limit, similarity, image=encoded(image), faces="all", quality=quality)

    def search_face(self, gallery_id: str, face_id: str, *, limit: int = 10, similarity: float = 80.0) -> SearchShown:
        """Search for an enrolled face among the others of its gallery; `NoSuchFace` if it is not there."""
        return self._search(gallery_id, limit, similarity, face_id=face_id)

    def _search(self, gallery_id: str, limit: int, similarity: float, **more: JSON) -> SearchShown:
        body: dict[str, JSON] = {"limit": limit, "similarity": float(similarity), **more}
        return self._exchange.faces(SearchShown, "POST", "galleries", gallery_id, "searches", body=body)

    def redact(
        self,
        file: Image,
        *,
        except_boxes: Sequence[BoxShown] = (),
        except_gallery: str | None = None,
        similarity: float = 99.0,
        least: float = 0.2,
        style: Style = "blur",
        codec: Codec = "mpeg4",
        step: float = 0.0,
        sound: bool = True,
    ) -> RedactionShown:
        """Cover every face of a picture or a short video, or all but chosen ones; `file` of the answer is the result.

        except_boxes: faces there stay, such as boxes of `detect`. except_gallery, similarity: people enrolled there
        stay, where the mandate states that they consented; not together with boxes. least: the detector's score (0.05
        to 0.6) from which a find is covered. codec, step (seconds between frames looked at), sound: of a video.
        """
        members = {
            "except_boxes": json.dumps([each.model_dump() for each in except_boxes]) if except_boxes else None,
            "except_gallery": except_gallery,
            "similarity": float(similarity),
            "least": float(least),
            "style": style,
            "codec": codec,
            "step": float(step),
            "sound": json.dumps(sound),
        }
        return self._exchange.file(RedactionShown, "redactions", content_of(file), VIDEO_SECONDS, members)

    def enrol(
        self,
        gallery_id: str,
        image: Image,
        external_id: str | None = None,
        *,
        max_faces: int = 1,
        quality: Quality = "AUTO",
    ) -> EnrolmentShown:
        """Enrol the largest faces of a picture. The same picture under the same external id again adds nothing."""
        body: dict[str, JSON] = {
            "image": encoded(image),
            "external_id": external_id,
            "max_faces": max_faces,
            "quality": quality,
        }
        return self._exchange.faces(EnrolmentShown, "POST", "galleries", gallery_id, "faces", body=body)

    def enrol_many(
        self,
        gallery_id: str,
        pictures: Iterable[PictureToEnrol],
        *,
        max_faces: int = 1,
        quality: Quality = "AUTO",
        journal: Path | None = None,
        progress: bool = False,
    ) -> Iterator[BulkResult]:
        """Enrol many pictures; a result for each, in their order, as they are done. One that fails stops no other.

        journal: a file that remembers what was enrolled, so that the same call goes on where it was broken off.
        progress: a bar on stderr.
        """
        done = enrol_many(self._exchange, gallery_id, pictures, max_faces, quality, journal)
        return track(done, gallery_id, None, "images") if progress else done

    def faces(self, gallery_id: str, *, user_id: str | None = None) -> Iterator[EnrolledFaceShown]:
        """All faces of a gallery, or of one of its users, in the order of enrolment; read page by page."""
        after: str | None = None
        while True:
            page = self._exchange.faces(
                FaceListShown, "GET", "galleries", gallery_id, "faces", after=after, user_id=user_id
            )
            yield from page.faces
            if (after := page.next) is None:
                return

    def erase(self, gallery_id: str, face_ids: Sequence[str]) -> ErasureShown:
        """Erase faces (at most 1,000). Unknown ones, and those of a user, are reported."""
        body: dict[str, JSON] = {"face_ids": list(face_ids)}
        return self._exchange.faces(ErasureShown, "POST", "galleries", gallery_id, "erasures", body=body)

    def create_gallery(self, gallery_id: str) -> GalleryDetail:
        """Make an empty gallery; `AlreadyExists` if the id is taken."""
        body: dict[str, JSON] = {"gallery_id": gallery_id}
        return self._exchange.faces(GalleryShown, "POST", "galleries", body=body).gallery

    def gallery(self, gallery_id: str) -> GalleryDetail:
        """Model, size and age of a gallery; `NotFound` if there is none."""
        return self._exchange.faces(GalleryShown, "GET", "galleries", gallery_id).gallery

    def galleries(self) -> Iterator[GalleryDetail]:
        """All galleries that the mandate covers, in order of id; read page by page."""
        after: str | None = None
        while True:
            page = self._exchange.faces(GalleryListShown, "GET", "galleries", after=after)
            yield from page.galleries
            if (after := page.next) is None:
                return

    def delete_gallery(self, gallery_id: str) -> None:
        """Delete a gallery with all templates in it."""
        self._exchange.faces(GalleryGone, "DELETE", "galleries", gallery_id)

    def users(self, gallery_id: str) -> Iterator[UserShown]:
        """All users of a gallery, in the order of their making; read page by page."""
        after: str | None = None
        while True:
            page = self._exchange.faces(UserListShown, "GET", "galleries", gallery_id, "users", after=after)
            yield from page.users
            if (after := page.next) is None:
                return

    def create_user(self, gallery_id: str, user_id: str) -> None:
        """Make a user without faces; `Conflict` if there is one of that id."""
        self._exchange.faces(UserMade, "POST", "galleries", gallery_id, "users", body={"user_id": user_id})

    def delete_user(self, gallery_id: str, user_id: str) -> None:
        """Delete a user; the faces stay and are nobody's."""
        self._exchange.faces(UserMade, "DELETE", "galleries", gallery_id, "users", user_id)

    def associate(
        self, gallery_id: str, user_id: str, face_ids: Sequence[str], *, similarity: float = 75.0
    ) -> AssociationShown:
        """Give faces to a user; where the user has some, others must be that similar to them."""
        body: dict[str, JSON] = {"face_ids": list(face_ids), "similarity": float(similarity)}
        path = ("galleries", gallery_id, "users", user_id, "faces")
        return self._exchange.faces(AssociationShown, "POST", *path, body=body)

    def disassociate(self, gallery_id: str, user_id: str, face_ids: Sequence[str]) -> AssociationShown:
        """Take faces from a user; they stay enrolled."""
        path = ("galleries", gallery_id, "users", user_id, "removals")
        return self._exchange.faces(AssociationShown, "POST", *path, body={"face_ids": list(face_ids)})

    def prove(self, receipt: str) -> ProofShown:
        """The ledger's entry behind a receipt, with its proof. Needs neither key nor token."""
        headers = {"x-countenance-receipt": receipt}
        answer = self._exchange.send(headers, "GET", ("ledger", "proof"), None, {})
        return ProofShown.model_validate_json(answer.body, extra="ignore")

    def ledger(self) -> LedgerShown:
        """The ledger's size and key, for operators."""
        return self._exchange.people(LedgerShown, "GET", "ledger")

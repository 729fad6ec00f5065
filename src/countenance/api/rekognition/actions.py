"""Rekognition's operations: each makes one call to the guard and forms the answer."""

from __future__ import annotations

from collections.abc import Container, Mapping

from countenance.api.rekognition.answers import (
    JSON,
    Body,
    box_body,
    compared_body,
    detail_body,
    enrolled_body,
    match_body,
    source_body,
)
from countenance.api.rekognition.arns import arn
from countenance.api.rekognition.images import image_of
from countenance.api.rekognition.liveness import LIVENESS
from countenance.api.rekognition.objects import Objects
from countenance.api.rekognition.pages import Pages
from countenance.api.rekognition.shapes import Params
from countenance.api.rekognition.stream_actions import StreamActions
from countenance.api.rekognition.tag_actions import TagActions
from countenance.api.rekognition.user_actions import UserActions
from countenance.api.rekognition.video_actions import VideoActions
from countenance.api.rekognition.wire_operation import (
    MATCHES,
    SIMILARITY,
    GuardCall,
    WireOperation,
    after,
    filter_or_none,
    following,
)
from countenance.operations import (
    Compare,
    CreateGallery,
    DeleteGallery,
    DescribeGallery,
    Detect,
    Enrol,
    Erase,
    Image,
    ListFaces,
    ListGalleries,
    QualityFilter,
    SearchByFace,
    SearchByImage,
)

PAGE = 4096
"""Items on a page where MaxResults is absent or 0; also the model's maximum."""


class Actions:
    """The operations that are served, by wire name in `served`."""

    def __init__(self, region: str, objects: Objects, pages: Pages, topics: Container[str] = ()) -> None:
        self._region = region
        self._objects = objects
        self._pages = pages
        self.served: Mapping[str, WireOperation] = {
            "CreateCollection": self._create_collection,
            "DescribeCollection": self._describe_collection,
            "ListCollections": self._list_collections,
            "DeleteCollection": self._delete_collection,
            "IndexFaces": self._index_faces,
            "ListFaces": self._list_faces,
            "DeleteFaces": self._delete_faces,
            "SearchFaces": self._search_faces,
            "SearchFacesByImage": self._search_faces_by_image,
            "CompareFaces": self._compare_faces,
            "DetectFaces": self._detect_faces,
            **UserActions(objects, pages).served,
            **VideoActions(objects, pages, topics).served,
            **StreamActions(region, pages).served,
            **TagActions().served,
            **LIVENESS,
        }

    def _create_collection(self, params: Params, carry_out: GuardCall) -> Body:
        gallery = carry_out(CreateGallery(params["CollectionId"], params.get("Tags", {})))
        return {"StatusCode": 200, "CollectionArn": self._arn(gallery.gallery_id), "FaceModelVersion": gallery.version}

    def _describe_collection(self, params: Params, carry_out: GuardCall) -> Body:
        info = carry_out(DescribeGallery(params["CollectionId"]))
        return {
            "FaceCount": info.faces,
            "UserCount": info.users,
            "FaceModelVersion": info.version,
            "CollectionARN": f"arn:{self._arn(info.gallery_id)}",
            "CreationTimestamp": info.created_at.timestamp(),
        }

    def _list_collections(self, params: Params, carry_out: GuardCall) -> Body:
        page = carry_out(ListGalleries(after(self._pages, "ListCollections", "", params), _page_size(params)))
        return {
            "CollectionIds": [info.gallery_id for info in page.items],
            "FaceModelVersions": [info.version for info in page.items],
            **following(self._pages, "ListCollections", "", page.next),
        }

    def _delete_collection(self, params: Params, carry_out: GuardCall) -> Body:
        carry_out(DeleteGallery(params["CollectionId"]))
        return {"StatusCode": 200}

    def _index_faces(self, params: Params, carry_out: GuardCall) -> Body:
        done = carry_out(
            Enrol(
                params["CollectionId"],
                self._image(params["Image"]),
                params.get("ExternalImageId"),
                params.get("MaxFaces"),
                QualityFilter(params.get("QualityFilter", "AUTO")),
            )
        )
        return {
            "FaceRecords": [
                {"Face": enrolled_body(face, done.version), "FaceDetail": detail_body(seen)}
                for face, seen in done.faces
            ],
            "UnindexedFaces": [
                {"Reasons": list[JSON](reasons), "FaceDetail": detail_body(seen)} for seen, reasons in done.unindexed
            ],
            "FaceModelVersion": done.version,
        }

    def _list_faces(self, params: Params, carry_out: GuardCall) -> Body:
        gallery_id = params["CollectionId"]
        face_ids = tuple(dict.fromkeys(params["FaceIds"])) if "FaceIds" in params else None
        cursor = after(self._pages, "ListFaces", gallery_id, params)
        page = carry_out(ListFaces(gallery_id, face_ids, cursor, _page_size(params), params.get("UserId")))
        return {
            "Faces": [enrolled_body(face, page.version) for face in page.items],
            "FaceModelVersion": page.version,
            **following(self._pages, "ListFaces", gallery_id, page.next),
        }

    def _delete_faces(self, params: Params, carry_out: GuardCall) -> Body:
        done = carry_out(Erase(params["CollectionId"], tuple(dict.fromkeys(params["FaceIds"]))))
        failed: list[JSON] = [{"FaceId": face_id, "Reasons": ["FACE_NOT_FOUND"]} for face_id in done.not_found]
        failed += [
            {"FaceId": face_id, "UserId": user_id, "Reasons": ["ASSOCIATED_TO_AN_EXISTING_USER"]}
            for face_id, user_id in done.owned
        ]
        return {"DeletedFaces": list[JSON](done.deleted), "UnsuccessfulFaceDeletions": failed}

    def _search_faces(self, params: Params, carry_out: GuardCall) -> Body:
        answer = carry_out(
            SearchByFace(
                params["CollectionId"],
                params["FaceId"],
                limit=params.get("MaxFaces", MATCHES),
                similarity=params.get("FaceMatchThreshold", SIMILARITY),
            )
        )
        return {
            "SearchedFaceId": params["FaceId"],
            "FaceMatches": [match_body(candidate, answer.version) for candidate in answer.candidates],
            "FaceModelVersion": answer.version,
        }

    def _search_faces_by_image(self, params: Params, carry_out: GuardCall) -> Body:
        answer = carry_out(
            SearchByImage(
                params["CollectionId"],
                self._image(params["Image"]),
                limit=params.get("MaxFaces", MATCHES),
                similarity=params.get("FaceMatchThreshold", SIMILARITY),
                quality=filter_or_none(params),
            )
        )
        assert answer.probe is not None, "a search by image has a face in the image"
        return {
            "SearchedFaceBoundingBox": box_body(answer.probe.box),
            "SearchedFaceConfidence": source_body(answer.probe)["Confidence"],
            "FaceMatches": [match_body(candidate, answer.version) for candidate in answer.candidates],
            "FaceModelVersion": answer.version,
        }

    def _compare_faces(self, params: Params, carry_out: GuardCall) -> Body:
        compared = carry_out(
            Compare(
                self._image(params["SourceImage"]),
                self._image(params["TargetImage"]),
                similarity=params.get("SimilarityThreshold", SIMILARITY),
                quality=filter_or_none(params),
            )
        )
        return {
            "SourceImageFace": source_body(compared.source),
            "FaceMatches": [compared_body(face, similarity) for face, similarity in compared.matches],
            "UnmatchedFaces": [detail_body(face) for face in compared.unmatched],
        }

    def _detect_faces(self, params: Params, carry_out: GuardCall) -> Body:
        seen = carry_out(Detect(self._image(params["Image"])))
        return {"FaceDetails": [detail_body(face) for face in seen.faces]}

    def _image(self, image: Params) -> Image:
        return image_of(image, self._objects)

    def _arn(self, gallery_id: str) -> str:
        return arn(self._region, "collection", gallery_id).removeprefix("arn:")


def _page_size(params: Params) -> int:
    size: int = params.get("MaxResults") or PAGE
    return size

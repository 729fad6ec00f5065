"""Rekognition's operations on users: each makes one call to the guard and forms the answer."""

from __future__ import annotations

from collections.abc import Mapping

from countenance.api.rekognition.answers import JSON, Body, detail_body, refusal_body, user_body, user_match_body
from countenance.api.rekognition.errors import INVALID_PARAMETER, Refused
from countenance.api.rekognition.images import image_of
from countenance.api.rekognition.objects import Objects
from countenance.api.rekognition.pages import Pages
from countenance.api.rekognition.shapes import Params
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
    Associate,
    CreateUser,
    DeleteUser,
    Disassociate,
    ListUsers,
    Operation,
    SearchUsersByFace,
    SearchUsersByImage,
    SearchUsersByUser,
    UserSearchAnswer,
)

USER_PAGE = 500
"""Users on a page if MaxResults is absent; also the model's maximum."""

ASSOCIATION = 75.0
"""The threshold of an AssociateFaces that names none: Rekognition's documented default."""


class UserActions:
    """The operations on users, by wire name in `served`."""

    def __init__(self, objects: Objects, pages: Pages) -> None:
        self._objects = objects
        self._pages = pages
        self.served: Mapping[str, WireOperation] = {
            "CreateUser": self._create_user,
            "DeleteUser": self._delete_user,
            "ListUsers": self._list_users,
            "AssociateFaces": self._associate_faces,
            "DisassociateFaces": self._disassociate_faces,
            "SearchUsers": self._search_users,
            "SearchUsersByImage": self._search_users_by_image,
        }

    def _create_user(self, params: Params, carry_out: GuardCall) -> Body:
        carry_out(CreateUser(params["CollectionId"], params["UserId"], params.get("ClientRequestToken")))
        return {}

    def _delete_user(self, params: Params, carry_out: GuardCall) -> Body:
        carry_out(DeleteUser(params["CollectionId"], params["UserId"], params.get("ClientRequestToken")))
        return {}

    def _list_users(self, params: Params, carry_out: GuardCall) -> Body:
        gallery_id = params["CollectionId"]
        cursor = after(self._pages, "ListUsers", gallery_id, params)
        page = carry_out(ListUsers(gallery_id, cursor, params.get("MaxResults", USER_PAGE)))
        return {
            "Users": [user_body(user.user_id, user.faces) for user in page.items],
            **following(self._pages, "ListUsers", gallery_id, page.next),
        }

    def _associate_faces(self, params: Params, carry_out: GuardCall) -> Body:
        done = carry_out(
            Associate(
                params["CollectionId"],
                params["UserId"],
                tuple(dict.fromkeys(params["FaceIds"])),
                params.get("UserMatchThreshold", ASSOCIATION),
                params.get("ClientRequestToken"),
            )
        )
        return {
            "AssociatedFaces": [{"FaceId": face_id} for face_id in done.face_ids],
            "UnsuccessfulFaceAssociations": [refusal_body(each) for each in done.refused],
            "UserStatus": user_body(params["UserId"], done.faces)["UserStatus"],
        }

    def _disassociate_faces(self, params: Params, carry_out: GuardCall) -> Body:
        done = carry_out(
            Disassociate(
                params["CollectionId"],
                params["UserId"],
                tuple(dict.fromkeys(params["FaceIds"])),
                params.get("ClientRequestToken"),
            )
        )
        return {
            "DisassociatedFaces": [{"FaceId": face_id} for face_id in done.face_ids],
            "UnsuccessfulFaceDisassociations": [refusal_body(each) for each in done.refused],
            "UserStatus": user_body(params["UserId"], done.faces)["UserStatus"],
        }

    def _search_users(self, params: Params, carry_out: GuardCall) -> Body:
        if ("UserId" in params) == ("FaceId" in params):
            raise Refused(INVALID_PARAMETER, "SearchUsers takes either a UserId or a FaceId")
        gallery_id, limit = params["CollectionId"], params.get("MaxUsers", MATCHES)
        similarity = params.get("UserMatchThreshold", SIMILARITY)
        operation: Operation[None, UserSearchAnswer]
        searched: Body
        if "UserId" in params:
            operation = SearchUsersByUser(gallery_id, params["UserId"], limit, similarity)
            searched = {"SearchedUser": {"UserId": params["UserId"]}}
        else:
            operation = SearchUsersByFace(gallery_id, params["FaceId"], limit, similarity)
            searched = {"SearchedFace": {"FaceId": params["FaceId"]}}
        return {**_matches_body(carry_out(operation)), **searched}

    def _search_users_by_image(self, params: Params, carry_out: GuardCall) -> Body:
        answer = carry_out(
            SearchUsersByImage(
                params["CollectionId"],
                image_of(params["Image"], self._objects),
                limit=params.get("MaxUsers", MATCHES),
                similarity=params.get("UserMatchThreshold", SIMILARITY),
                quality=filter_or_none(params),
            )
        )
        return {
            **_matches_body(answer),
            **({"SearchedFace": {"FaceDetail": detail_body(answer.probe)}} if answer.probe is not None else {}),
            "UnsearchedFaces": [
                {"FaceDetails": detail_body(face), "Reasons": list[JSON](reasons)}
                for face, reasons in answer.unsearched
            ],
        }


def _matches_body(answer: UserSearchAnswer) -> Body:
    return {"UserMatches": [user_match_body(user) for user in answer.users], "FaceModelVersion": answer.version}

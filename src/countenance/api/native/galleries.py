"""Galleries and their users, under an access key."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from countenance.api.native import face_answers as answers
from countenance.api.native.access import by_key, router
from countenance.api.native.faces import After, GalleryPath, KeyCaller, PageLimit
from countenance.api.native.key_access import FaceDoor
from countenance.operations import (
    Associate,
    CreateGallery,
    CreateUser,
    DeleteGallery,
    DeleteUser,
    DescribeGallery,
    Disassociate,
    ListGalleries,
    ListUsers,
)
from countenance.wire.faces import (
    AssociationBody,
    AssociationShown,
    FaceIdsBody,
    GalleryBody,
    GalleryGone,
    GalleryListShown,
    GalleryShown,
    UserBody,
    UserId,
    UserListShown,
    UserMade,
    UserShown,
)

UserPath = Annotated[UserId, Path(description="The user's id.")]


def routes(door: FaceDoor) -> APIRouter:
    """The routes under /galleries on galleries and users."""
    at = router("galleries", 400, 404, 409, 429)

    @at.get("/galleries", openapi_extra=by_key(), summary="List galleries")
    def list_galleries(
        caller: KeyCaller, response: Response, after: After = None, limit: PageLimit = 1000
    ) -> GalleryListShown:
        """A page of the galleries that the mandate covers."""
        answer = door.run(caller, ListGalleries(after, limit), response)
        page = answer.result
        items = [answers.gallery_detail(each) for each in page.items]
        return GalleryListShown(galleries=items, next=page.next, receipt=answer.receipt)

    @at.post("/galleries", status_code=201, openapi_extra=by_key(), summary="Make a gallery")
    def create(body: GalleryBody, caller: KeyCaller, response: Response) -> GalleryShown:
        """Make an empty gallery, bound to the model in use."""
        answer = door.run(caller, CreateGallery(body.gallery_id), response)
        return GalleryShown(gallery=answers.gallery_detail(answer.result), receipt=answer.receipt)

    @at.get("/galleries/{gallery_id}", openapi_extra=by_key(), summary="Show a gallery")
    def describe(gallery_id: GalleryPath, caller: KeyCaller, response: Response) -> GalleryShown:
        """Its model, size and age."""
        answer = door.run(caller, DescribeGallery(gallery_id), response)
        return GalleryShown(gallery=answers.gallery_detail(answer.result), receipt=answer.receipt)

    @at.delete("/galleries/{gallery_id}", openapi_extra=by_key(), summary="Delete a gallery")
    def delete(gallery_id: GalleryPath, caller: KeyCaller, response: Response) -> GalleryGone:
        """Delete it with all templates in it."""
        answer = door.run(caller, DeleteGallery(gallery_id), response)
        return GalleryGone(gallery_id=gallery_id, receipt=answer.receipt)

    @at.get("/galleries/{gallery_id}/users", openapi_extra=by_key(), summary="List users")
    def list_users(
        gallery_id: GalleryPath, caller: KeyCaller, response: Response, after: After = None, limit: PageLimit = 1000
    ) -> UserListShown:
        """A page of the users, oldest first."""
        answer = door.run(caller, ListUsers(gallery_id, after, limit), response)
        page = answer.result
        users = [UserShown(user_id=each.user_id, faces=each.faces) for each in page.items]
        return UserListShown(users=users, next=page.next, receipt=answer.receipt)

    @at.post("/galleries/{gallery_id}/users", status_code=201, openapi_extra=by_key(), summary="Make a user")
    def create_user(gallery_id: GalleryPath, body: UserBody, caller: KeyCaller, response: Response) -> UserMade:
        """Make a user without faces."""
        answer = door.run(caller, CreateUser(gallery_id, body.user_id), response)
        return UserMade(user_id=body.user_id, receipt=answer.receipt)

    @at.delete("/galleries/{gallery_id}/users/{user_id}", openapi_extra=by_key(), summary="Delete a user")
    def delete_user(gallery_id: GalleryPath, user_id: UserPath, caller: KeyCaller, response: Response) -> UserMade:
        """Delete a user; the faces stay, without a user."""
        answer = door.run(caller, DeleteUser(gallery_id, user_id), response)
        return UserMade(user_id=user_id, receipt=answer.receipt)

    @at.post("/galleries/{gallery_id}/users/{user_id}/faces", openapi_extra=by_key(), summary="Give faces to a user")
    def associate(
        gallery_id: GalleryPath, user_id: UserPath, body: AssociationBody, caller: KeyCaller, response: Response
    ) -> AssociationShown:
        """Give faces to a user. If the user has faces already, new ones must be similar to them."""
        face_ids = tuple(dict.fromkeys(body.face_ids))
        return answers.association(
            door.run(caller, Associate(gallery_id, user_id, face_ids, body.similarity), response)
        )

    @at.post(
        "/galleries/{gallery_id}/users/{user_id}/removals", openapi_extra=by_key(), summary="Take faces from a user"
    )
    def disassociate(
        gallery_id: GalleryPath, user_id: UserPath, body: FaceIdsBody, caller: KeyCaller, response: Response
    ) -> AssociationShown:
        """Take faces from a user; they stay enrolled."""
        face_ids = tuple(dict.fromkeys(body.face_ids))
        return answers.association(door.run(caller, Disassociate(gallery_id, user_id, face_ids), response))

    return at

"""Faces given to the users of a gallery, who are made when they are first needed."""

from __future__ import annotations

from contextlib import suppress

from countenance.errors import AlreadyExists, Conflict
from countenance.operations import Associate, Caller, CreateUser, Guard, Reassigned


class GalleryUsers:
    """The users of one gallery."""

    def __init__(self, guard: Guard, caller: Caller, gallery: str) -> None:
        self._guard, self._caller, self._gallery = guard, caller, gallery
        self._made: set[str] = set()

    def make(self, user: str) -> None:
        """Make the user, unless an earlier run did."""
        if user not in self._made:
            with suppress(AlreadyExists, Conflict):
                self._guard.carry_out(self._caller, CreateUser(self._gallery, user))
            self._made.add(user)

    def associate(self, user: str, faces: tuple[str, ...]) -> Reassigned:
        """Assign `faces` to the user; the answer names those that are not similar to the user's other faces."""
        self.make(user)
        return self._guard.carry_out(self._caller, Associate(self._gallery, user, faces)).result

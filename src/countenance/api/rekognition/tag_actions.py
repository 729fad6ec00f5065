"""Rekognition's operations on tags of collections and stream processors."""

from __future__ import annotations

from collections.abc import Mapping

from countenance.api.rekognition.answers import JSON, Body
from countenance.api.rekognition.arns import named_by
from countenance.api.rekognition.shapes import Params
from countenance.api.rekognition.wire_operation import GuardCall, WireOperation
from countenance.operations import ListTags, RemoveTags, SetTags, Tagged

_KINDS = {"collection": Tagged.GALLERY, "streamprocessor": Tagged.PROCESSOR}


class TagActions:
    """The operations on tags, by wire name in `served`."""

    def __init__(self) -> None:
        self.served: Mapping[str, WireOperation] = {
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTagsForResource": self._list,
        }

    def _tag(self, params: Params, carry_out: GuardCall) -> Body:
        carry_out(SetTags(*_of(params), params["Tags"]))
        return {}

    def _untag(self, params: Params, carry_out: GuardCall) -> Body:
        carry_out(RemoveTags(*_of(params), tuple(params["TagKeys"])))
        return {}

    def _list(self, params: Params, carry_out: GuardCall) -> Body:
        tags = carry_out(ListTags(*_of(params)))
        return {"Tags": dict[str, JSON](tags)}


def _of(params: Params) -> tuple[Tagged, str]:
    kind, name = named_by(params["ResourceArn"])
    return _KINDS[kind], name

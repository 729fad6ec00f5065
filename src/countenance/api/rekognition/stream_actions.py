"""Rekognition's operations on stream processors: descriptions are kept; Start and Stop answer that none runs here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from countenance.api.rekognition.answers import JSON, Body
from countenance.api.rekognition.arns import arn
from countenance.api.rekognition.errors import INVALID_PARAMETER, Refused
from countenance.api.rekognition.pages import Pages
from countenance.api.rekognition.shapes import Params
from countenance.api.rekognition.wire_operation import GuardCall, WireOperation, after, following
from countenance.operations import (
    CreateStreamProcessor,
    DeleteStreamProcessor,
    DescribeStreamProcessor,
    ListStreamProcessors,
    StartStreamProcessor,
    StopStreamProcessor,
    UpdateStreamProcessor,
)

PROCESSOR_PAGE = 1000
"""The most stream processors on a page, also if MaxResults is absent."""

_KEPT = (
    "Input", "Output", "Settings", "RoleArn", "NotificationChannel", "RegionsOfInterest", "DataSharingPreference",
)  # fmt: skip
_STATUS = "STOPPED"


class StreamActions:
    """The operations on stream processors, by wire name in `served`."""

    def __init__(self, region: str, pages: Pages) -> None:
        self._region = region
        self._pages = pages
        self.served: Mapping[str, WireOperation] = {
            "CreateStreamProcessor": self._create,
            "DescribeStreamProcessor": self._describe,
            "ListStreamProcessors": self._list,
            "UpdateStreamProcessor": self._update,
            "DeleteStreamProcessor": self._delete,
            "StartStreamProcessor": self._start,
            "StopStreamProcessor": self._stop,
        }

    def _create(self, params: Params, carry_out: GuardCall) -> Body:
        settings = params["Settings"]
        if "ConnectedHome" in settings or "FaceSearch" not in settings:
            raise Refused(INVALID_PARAMETER, "Settings hold FaceSearch; ConnectedHome (objects, pets) is not offered")
        if "KmsKeyId" in params:
            raise Refused(INVALID_PARAMETER, "KmsKeyId is not offered: nothing here is encrypted with keys of AWS")
        if "CollectionId" not in settings["FaceSearch"]:
            raise Refused(INVALID_PARAMETER, "Settings.FaceSearch.CollectionId is required")
        if len(params["Output"]) != 1 or len(params["Input"]) != 1:
            raise Refused(INVALID_PARAMETER, "Input holds a KinesisVideoStream; Output one place, and only one")
        description = {name: params[name] for name in _KEPT if name in params}
        name, gallery_id = params["Name"], settings["FaceSearch"]["CollectionId"]
        carry_out(CreateStreamProcessor(name, gallery_id, description, params.get("Tags", {})))
        return {"StreamProcessorArn": arn(self._region, "streamprocessor", name)}

    def _describe(self, params: Params, carry_out: GuardCall) -> Body:
        processor = carry_out(DescribeStreamProcessor(params["Name"]))
        described: dict[str, Any] = {
            name: processor.description[name] for name in _KEPT if name in processor.description
        }
        return {
            **described,
            "Name": processor.name,
            "StreamProcessorArn": arn(self._region, "streamprocessor", processor.name),
            "Status": _STATUS,
            "StatusMessage": "Live streams are not enabled on this server.",
            "CreationTimestamp": processor.made_at.timestamp(),
            "LastUpdateTimestamp": processor.changed_at.timestamp(),
        }

    def _list(self, params: Params, carry_out: GuardCall) -> Body:
        limit = min(params.get("MaxResults", PROCESSOR_PAGE), PROCESSOR_PAGE)
        page = carry_out(ListStreamProcessors(after(self._pages, "ListStreamProcessors", "", params), limit))
        processors: list[JSON] = [{"Name": each.name, "Status": _STATUS} for each in page.items]
        return {"StreamProcessors": processors, **following(self._pages, "ListStreamProcessors", "", page.next)}

    def _update(self, params: Params, carry_out: GuardCall) -> Body:
        removed = params.get("ParametersToDelete", [])
        if "SettingsForUpdate" in params or "ConnectedHomeMinConfidence" in removed:
            raise Refused(INVALID_PARAMETER, "only ConnectedHome has settings to update, and it is not offered")
        changes = {
            name: params[f"{name}ForUpdate"]
            for name in ("RegionsOfInterest", "DataSharingPreference")
            if f"{name}ForUpdate" in params
        }
        if set(changes) & set(removed):
            raise Refused(INVALID_PARAMETER, "RegionsOfInterest are either updated or deleted")
        carry_out(UpdateStreamProcessor(params["Name"], changes, tuple(removed)))
        return {}

    def _delete(self, params: Params, carry_out: GuardCall) -> Body:
        carry_out(DeleteStreamProcessor(params["Name"]))
        return {}

    def _start(self, params: Params, carry_out: GuardCall) -> Body:
        carry_out(StartStreamProcessor(params["Name"]))
        return {}

    def _stop(self, params: Params, carry_out: GuardCall) -> Body:
        carry_out(StopStreamProcessor(params["Name"]))
        return {}

"""People in stored videos of cases: found by a job, shown by when they are seen, their best views searched for.

The search for a person is a search with a picture (`cases.py`): its leads are withheld, shown and exported as those
are.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from countenance.administration.case_file import CaseFile
from countenance.administration.cases import Cases
from countenance.administration.journal import Journal
from countenance.administration.pending_pictures import PendingPicture
from countenance.casework import CaseRecords, CaseVideo, VideoSight, sight_json
from countenance.errors import BadRequest, Conflict, NotFound
from countenance.ledger import Ledger
from countenance.operations import (
    Caller,
    Copied,
    Guard,
    ReadVideoDetection,
    StartVideoDetection,
    StoredVideo,
    TakeBestViews,
    VideoJob,
)
from countenance.signing import JSON


class CaseVideos:
    """The stored videos of cases; every step is recorded first."""

    def __init__(
        self,
        cases: Cases,
        records: CaseRecords,
        guard: Guard,
        ledger: Ledger,
        stored: Callable[[str, str], StoredVideo],
        copied: Copied,
    ) -> None:
        """stored: the video with that name in that bucket. copied: a copy of one on this machine, for a while."""
        self._cases = cases
        self._file: CaseFile = cases.file
        self._records = records
        self._guard = guard
        self._stored = stored
        self._copied = copied
        self._journal = Journal(ledger, "case")

    def begin(self, case_id: str, by: str, caller: Caller, bucket: str, name: str) -> CaseVideo:
        """Begin to look for people in a stored video; a job does it."""
        self._cases.usable(case_id, by)
        job = self._guard.carry_out(caller, StartVideoDetection(self._stored(bucket, name))).result
        video_id = f"video-{secrets.token_hex(6)}"
        value: dict[str, JSON] = {"by": by, "bucket": bucket, "name": name, "job": job}
        self._journal.record("video begun", {"case": case_id, "video": video_id}, value)
        self._records.add("video", video_id, case_id, value)
        self._records.add("video job", job, video_id, {})
        return self._file.video(video_id)

    def show(self, case_id: str, video_id: str, by: str) -> CaseVideo:
        """A video of a case of one's own that is neither closed nor frozen."""
        self._cases.usable(case_id, by)
        video = self._file.video(video_id)
        if video.case_id != case_id:
            raise NotFound("there is no such video in this case")
        return video

    def job(self, video: CaseVideo, caller: Caller) -> VideoJob:
        """The job that finds its people."""
        return self._guard.carry_out(caller, ReadVideoDetection(video.job, limit=1)).result.job

    def take_views(self, case_id: str, video_id: str, by: str, caller: Caller) -> CaseVideo:
        """Cut out the best view of each person and keep it, sealed, until the job's results are erased or the case is
        closed; `Conflict` until the job has succeeded, or if it was done.
        """
        video = self.show(case_id, video_id, by)
        if video.people is not None:
            raise Conflict("the best views are there already")
        found = self._guard.carry_out(caller, TakeBestViews(video.job, self._copied)).result
        people = [VideoSight(video_id, each.person, each.best_ms, each.spans) for each in found.views]
        counts: dict[str, JSON] = {"case": case_id, "video": video_id, "people": len(people)}
        self._journal.record("views taken", counts, {"by": by})
        self._records.add(
            "people",
            video_id,
            case_id,
            {
                "people": [sight_json(each) for each in people],
                "left_out": found.left_out,
                "until": found.until.isoformat(),
            },
        )
        for each in found.views:
            self._records.keep_picture(video_id, _part(each.person), each.picture)
        return self._file.video(video_id)

    def view(self, case_id: str, video_id: str, by: str, person: int) -> bytes:
        """The best view of a person, PNG; it is recorded that it was shown."""
        self._sight(case_id, video_id, by, person)
        content = self._records.picture(video_id, _part(person))
        self._journal.record("view shown", {"case": case_id, "video": video_id}, {"by": by, "person": person})
        return content

    def look(self, case_id: str, video_id: str, by: str, caller: Caller, person: int) -> PendingPicture:
        """Look at the best view of a person, for searching with it."""
        sight = self._sight(case_id, video_id, by, person)
        content = self._records.picture(video_id, _part(person))
        return self._cases.look(case_id, by, caller, content, seen_in=sight)

    def _sight(self, case_id: str, video_id: str, by: str, person: int) -> VideoSight:
        video = self.show(case_id, video_id, by)
        for each in video.people or ():
            if each.person == person:
                return each
        raise BadRequest("choose a person of the video")


def _part(person: int) -> str:
    return f"person-{person}"

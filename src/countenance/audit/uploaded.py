"""An audit of files that somebody sent, from a plan, a draft or a guess to a report, in a process with limits.

`python -m countenance.audit.uploaded FOLDER KEY` reads `FOLDER/order.json` and the files beside it, and leaves
`bundle.zip`, `report.html` and `ended.json`. What was sent is deleted at its end, whatever happened.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from countenance.audit.bundle import counts_csv, read_bundle
from countenance.audit.formats.plan import Plan, read_plan
from countenance.audit.formats.results import Results
from countenance.audit.planning.guessing import guessed_draft, seen
from countenance.audit.planning.plans import plan_bytes, plan_of_draft, read_draft
from countenance.audit.report.page import report_page
from countenance.audit.running import run
from countenance.audit.sources.source import source_of
from countenance.errors import BadRequest, CountenanceError
from countenance.signing import Signer

SENT = "sent"
"""The folder, in that of an audit, with what was sent: `scores`, and where there are some `plan` and `labels`."""
ROWS = 1_000_000
MEMORY_BYTES = 3 * 2**30
PROCESSOR_SECONDS = 300
_FILE_BYTES = 256 * 2**20
_TABLES = ("scores", "outcomes", "risks", "presentations")
_PLAN, _DRAFT = "countenance-plan.json", "countenance-draft.toml"


@dataclass(frozen=True, slots=True)
class AuditOrder:
    """What nobody can guess from the files. title: of the report. high_from: a risk score from there up counts as high.

    factors: columns of groups; none: those that look so. label_warning: what the outcome really measures. labelled_by:
    how the labels came about. None of them is looked at where a plan or a draft was sent.
    """

    title: str = ""
    high_from: float | None = None
    factors: tuple[str, ...] = ()
    label_warning: str = ""
    labelled_by: str = ""


def write_order(folder: Path, order: AuditOrder) -> None:
    """Leave the order in the folder of an audit."""
    (folder / "order.json").write_text(json.dumps(asdict(order)), encoding="utf-8")


def whole_audit(folder: Path, draft: str, signer: Signer, clock: Callable[[], datetime]) -> Results:
    """Carry out the draft of that name in `folder`, whose data lies beside it: writes plan.json, bundle.zip,
    report.html and counts.csv there. BadRequest, NotFound: as `run`.
    """
    (folder / "plan.json").write_bytes(plan_bytes(plan_of_draft(folder / draft, clock())))
    return _carried_out(folder / "plan.json", folder, signer, clock)


def _carried_out(plan: Path, folder: Path, signer: Signer, clock: Callable[[], datetime]) -> Results:
    results = run(plan, folder / "bundle.zip", signer, clock=clock)
    bundle = read_bundle(folder / "bundle.zip")
    (folder / "report.html").write_bytes(report_page(bundle).encode())
    (folder / "counts.csv").write_bytes(counts_csv(bundle.results))
    return results


def audit_sent(folder: Path, signer: Signer, clock: Callable[[], datetime]) -> Results:
    """Audit what lies in `folder / SENT`; the report and the bundle lie in `folder` then.

    BadRequest: files that are no plan or no data, or a plan that names anything but tables that were sent.
    """
    order = json.loads((folder / "order.json").read_text(encoding="utf-8"))
    sent = folder / SENT
    stage(folder, "read")
    if (sent / "plan").exists():
        plan_file = _by_plan(sent)
    else:
        plan_file = _by_guess(sent, AuditOrder(**{**order, "factors": tuple(order["factors"])}))
    stage(folder, "computed")
    work = plan_file.parent
    if plan_file.suffix == ".json":
        results = _carried_out(plan_file, work, signer, clock)
    else:
        results = whole_audit(work, plan_file.name, signer, clock)
    stage(folder, "written")
    for name in ("bundle.zip", "report.html"):
        (work / name).rename(folder / name)
    return results


def _by_plan(sent: Path) -> Path:
    """The plan or draft that was sent, with the tables beside it by the names that it gives them."""
    content = (sent / "plan").read_bytes()
    sealed = content.lstrip().startswith(b"{")
    plan_file = sent / (_PLAN if sealed else _DRAFT)
    (sent / "plan").rename(plan_file)
    plan = read_plan(plan_file) if sealed else read_draft(plan_file)[0]
    scores, labels = _tables(plan, sent)
    if (labels is not None) != (sent / "labels").exists():
        raise BadRequest(
            "the plan reads a table of people: send it, too" if labels else "the plan reads no table of people"
        )
    _count(sent / "scores")
    (sent / "scores").rename(sent / scores)
    if labels is not None:
        _count(sent / "labels")
        (sent / "labels").rename(sent / labels)
    return plan_file


def _tables(plan: Plan, folder: Path) -> tuple[str, str | None]:
    """The names of the tables of scores and of people; `BadRequest` where the plan asks for anything else: pictures, a
    service, a file elsewhere.
    """
    if plan.source not in _TABLES or plan.together is not None:
        raise BadRequest(
            f"here one table is audited: {', '.join(_TABLES)}; use `countenance audit run` for {plan.source}"
        )
    source = source_of(plan, folder)
    names = (*source.scores, *source.labels)
    for name in names:
        if Path(name).name != name or name.startswith(".") or name in (_PLAN, _DRAFT, "plan.json", "scores", "labels"):
            raise BadRequest(f"{name}: a table is named by a plain file name, such as scores.csv")
    if len(set(names)) != len(names):
        raise BadRequest("the plan gives two tables one name")
    return source.scores[0], next(iter(source.labels), None)


def _by_guess(sent: Path, order: AuditOrder) -> Path:
    if (sent / "labels").exists():
        raise BadRequest("a table of people is read by a plan: send the plan, too, or put the groups into the scores")
    with (sent / "scores").open("rb") as file:
        kind = "parquet" if file.read(4) == b"PAR1" else "csv"
    table = (sent / "scores").rename(sent / f"scores.{kind}")
    _count(table)
    overview = seen(table)
    if overview.kind == "risks" and order.high_from is None:
        raise BadRequest("these are risk scores: say from which score up one counts as high")
    draft = guessed_draft(overview, order.high_from, order.factors, order.label_warning, order.labelled_by)
    if order.title:
        given = f"title = {json.dumps(order.title, ensure_ascii=False)}"
        draft = draft.replace(f"title = {json.dumps(overview.file)}", given, 1)
    (sent / _DRAFT).write_text(draft, encoding="utf-8")
    return sent / _DRAFT


def _count(table: Path) -> None:
    """`BadRequest` for a table of more than `ROWS` rows."""
    with table.open("rb") as file:
        parquet = file.read(4) == b"PAR1"
        file.seek(0)
        rows = 0 if parquet else sum(part.count(b"\n") for part in iter(lambda: file.read(2**20), b""))
    if parquet:
        import pyarrow.parquet
        from pyarrow import ArrowException

        try:
            rows = pyarrow.parquet.ParquetFile(table).metadata.num_rows
        except (ArrowException, OSError) as error:
            raise BadRequest("the file begins as Parquet and cannot be read as such") from error
    if rows > ROWS + 1:
        raise BadRequest(f"the table has more than {ROWS:,} rows: use `countenance audit run`")


def stage(folder: Path, name: str) -> None:
    """Say what is done now: "read", "computed" or "written"."""
    aside = folder / "stage.new"
    aside.write_text(name)
    aside.replace(folder / "stage")


def main() -> None:
    """Audit within limits; what went wrong is told in ended.json, in words that may be shown."""
    import resource

    folder, key = Path(sys.argv[1]), Path(sys.argv[2])
    os.umask(0o077)
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, PROCESSOR_SECONDS),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    ended: dict[str, object]
    try:
        results = audit_sent(folder, Signer.from_file(key), lambda: datetime.now(UTC))
        bundle = read_bundle(folder / "bundle.zip")
        ended = {"title": results.title, "headline": results.headline, "bundle": bundle.hash}
        ended["preregistered"] = results.preregistered
    except CountenanceError as error:
        ended = {"fault": str(error)}
    except MemoryError:
        ended = {"fault": f"it took more than the {MEMORY_BYTES / 2**30:.0f} GiB of memory that it may"}
    except Exception:
        logging.getLogger(__name__).exception("an audit failed")  # to a file that no page shows
        ended = {"fault": "the audit failed, and not by what was sent; the operator's log says more"}
    with suppress(OSError):
        shutil.rmtree(folder / SENT)
    (folder / "ended.new").write_text(json.dumps(ended), encoding="utf-8")
    (folder / "ended.new").replace(folder / "ended.json")


if __name__ == "__main__":
    main()

"""An audit that can be handed over: signed files with counts in them, and nobody's face or name.

A bundle is a folder or one .zip of these files: the plan, the results, the environment, a table of counts and the
schemas. manifest.json lists the sha256 of every file; signature.json signs the manifest (Ed25519 over its canonical
JSON). Anybody who has the bundle can check it without a network, but must know from elsewhere whose key signed it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import platform
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Literal

from countenance.audit.formats.codec import Json, from_json, to_json
from countenance.audit.formats.plan import Plan, plan_of
from countenance.audit.formats.results import (
    Environment,
    FaceResults,
    GroupResult,
    ModelUsed,
    PresentationGroup,
    Results,
    Share,
    results_of,
)
from countenance.audit.formats.schemas import FOLDER, SCHEMAS
from countenance.errors import BadRequest, NotFound
from countenance.said_once import loads
from countenance.signing import Signer, canonical, verified

FORMAT: Literal["countenance-audit-bundle/1"] = "countenance-audit-bundle/1"
MOST_BYTES = 512 * 2**20
"""No file of a bundle is larger, and a .zip that unpacks to more is not read."""
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class BundleFile:
    """One file of a bundle."""

    name: str
    sha256: str
    size: Annotated[int, "bytes"]


@dataclass(frozen=True, slots=True)
class BundleManifest:
    """What a bundle consists of. Its hash, sha256 of its canonical JSON, names the bundle."""

    created: str
    plan_hash: str
    public_key: Annotated[str, "the signer's raw Ed25519 public key, hex"]
    files: tuple[BundleFile, ...]
    format: Literal["countenance-audit-bundle/1"] = FORMAT


@dataclass(frozen=True, slots=True)
class BundleSignature:
    """The signature over a manifest's canonical JSON."""

    public_key: str
    signature: Annotated[str, "64 bytes, hex"]
    algorithm: Literal["Ed25519"] = "Ed25519"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was read. hash: its name. problems: what is wrong with it; if empty, it is what was signed."""

    manifest: BundleManifest
    plan: Plan
    results: Results
    environment: Environment
    hash: str
    problems: tuple[str, ...]

    @property
    def signer(self) -> str:
        """The public key that signed, hex."""
        return self.manifest.public_key


def bundle_files(
    plan: Plan, results: Results, environment: Environment, created: str, signer: Signer
) -> dict[str, bytes]:
    """Every file of a bundle by its name, the signed manifest included."""
    files = {
        "plan.json": canonical(to_json(plan)),
        "results.json": canonical(to_json(results)),
        "environment.json": canonical(to_json(environment)),
        "counts.csv": counts_csv(results),
        **{f"schema/{name}": (FOLDER / name).read_bytes() for name, _, _ in SCHEMAS},
    }
    entries = tuple(
        BundleFile(n, hashlib.sha256(content).hexdigest(), len(content)) for n, content in sorted(files.items())
    )
    manifest = canonical(to_json(BundleManifest(created, plan.hash, signer.public.hex(), entries)))
    signature = BundleSignature(signer.public.hex(), signer.sign(manifest).hex())
    return {**files, "manifest.json": manifest, "signature.json": canonical(to_json(signature))}


def write_bundle(target: Path, files: Mapping[str, bytes]) -> None:
    """Write a bundle as a folder, or as one file where `target` ends in .zip. The same files give the same bytes."""
    if target.suffix == ".zip":
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.partial")
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in sorted(files.items()):
                archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), content, zipfile.ZIP_DEFLATED)
        partial.replace(target)
        return
    if target.exists() and any(target.iterdir()):
        raise BadRequest(f"{target.name} is not empty; a bundle goes into a folder of its own")
    for name, content in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def read_bundle(source: Path, signer: str | None = None) -> Bundle:
    """Read and check a bundle, a folder or a .zip. What can be read but is wrong is in `problems`.

    signer: the public key (hex) that must have signed it; None: any. NotFound: nothing there. BadRequest: not a bundle
    at all.
    """
    files = _files(source)
    for needed in ("manifest.json", "signature.json", "plan.json", "results.json", "environment.json"):
        if needed not in files:
            raise BadRequest(f"{source.name} is no audit bundle: it lacks {needed}")
    manifest = from_json(BundleManifest, _json(files["manifest.json"], "manifest.json"), "manifest")
    signature = from_json(BundleSignature, _json(files["signature.json"], "signature.json"), "signature")
    plan = plan_of(_json(files["plan.json"], "plan.json"))
    results = results_of(_json(files["results.json"], "results.json"))
    environment = from_json(Environment, _json(files["environment.json"], "environment.json"), "environment")
    signed = canonical(to_json(manifest))
    problems = [
        *_signature_problems(manifest, signature, signed, files["manifest.json"]),
        *_file_problems(manifest, files),
        *_content_problems(manifest, plan, results, files),
    ]
    if signer is not None and signer.lower() != manifest.public_key:
        problems.append(f"signed with {manifest.public_key}, not with the key asked for")
    return Bundle(manifest, plan, results, environment, hashlib.sha256(signed).hexdigest(), tuple(problems))


def verify_bundle(source: Path, signer: str | None = None) -> Bundle:
    """Read a bundle that must be what was signed; the parameters are those of `read_bundle`.

    BadRequest: a changed or missing file, a signature that does not fit, a rate that does not follow from its counts,
    another signer; it names the first problem. NotFound: nothing there.
    """
    bundle = read_bundle(source, signer)
    if bundle.problems:
        raise BadRequest(f"{source.name} is not what was signed: {bundle.problems[0]}")
    return bundle


def _signature_problems(manifest: BundleManifest, signature: BundleSignature, signed: bytes, raw: bytes) -> list[str]:
    problems = []
    if raw != signed:
        problems.append("manifest.json is not in canonical form")
    if signature.public_key != manifest.public_key:
        problems.append("signature.json names another key than the manifest")
    try:
        public, mark = bytes.fromhex(manifest.public_key), bytes.fromhex(signature.signature)
    except ValueError:
        return [*problems, "the signature is no hex text"]
    if not verified(public, mark, signed):
        problems.append("the signature does not belong to the manifest")
    return problems


def _file_problems(manifest: BundleManifest, files: Mapping[str, bytes]) -> list[str]:
    problems = []
    listed = {entry.name: entry for entry in manifest.files}
    for name, content in sorted(files.items()):
        entry = listed.get(name)
        if entry is None:
            if name not in ("manifest.json", "signature.json"):
                problems.append(f"{name} is not in the manifest")
        elif hashlib.sha256(content).hexdigest() != entry.sha256 or len(content) != entry.size:
            problems.append(f"{name} was changed after signing")
    return [*problems, *(f"{name} is missing" for name in sorted(set(listed) - set(files)))]


def _content_problems(manifest: BundleManifest, plan: Plan, results: Results, files: Mapping[str, bytes]) -> list[str]:
    problems = []
    if plan.hash != manifest.plan_hash or results.plan_hash != plan.hash:
        problems.append("the results belong to another plan")
    if files.get("counts.csv") != counts_csv(results):
        problems.append("counts.csv does not say what the results say")
    for analysis, measure, group, _, share in rows(results):
        if share.errors is None or share.trials is None or not share.trials or share.estimate is None:
            continue
        low, high = share.low or 0.0, 1.0 if share.high is None else share.high
        right = abs(share.estimate - share.errors / share.trials) < 1e-9 and share.errors <= share.trials
        if not right or not low - 1e-9 <= share.estimate <= high + 1e-9:
            problems.append(f"{measure} of {group} by {analysis or 'everybody'} does not follow from its counts")
    return [*problems, *_block_problems(results)]


def _block_problems(results: Results) -> Iterator[str]:
    """Blocks of everybody, and of a classifier's groups, that do not add up: paired tests rest on them."""
    if results.faces is not None and not blocks_add_up(results.faces):
        yield "the blocks of everybody do not add up to the counts"
    outcomes = results.outcomes
    if outcomes is None or not outcomes.blocks:
        return
    parts = [("everybody", outcomes.everybody.error, outcomes.blocks)]
    for at, analysis in enumerate(outcomes.analyses):
        for group in analysis.groups:
            own = tuple(block for block in outcomes.blocks if block.groups[at] == group.group)
            parts.append((f"{group.group} by {analysis.name}", group.error, own))
    for name, share, own in parts:
        if share.known and (sum(b.errors for b in own), sum(b.trials for b in own)) != (share.errors, share.trials):
            yield f"the blocks of {name} do not add up to the counts"


def blocks_add_up(part: GroupResult | FaceResults) -> bool:
    """Whether blocks add up to a part's false matches (each in two people) and misses, as far as those are told.

    Older versions took other people for a group's where some had no label: then its blocks do not, and no test may be
    paired by them.
    """
    blocks = part.blocks
    sums = (
        (part.fmr, 2, sum(b.fmr_errors for b in blocks), sum(b.fmr_trials for b in blocks)),
        (part.fnmr, 1, sum(b.fnmr_errors for b in blocks), sum(b.fnmr_trials for b in blocks)),
    )
    return not blocks or all(
        share.errors is None or share.trials is None or (errors, trials) == (times * share.errors, times * share.trials)
        for share, times, errors, trials in sums
    )


def unpaired(results: Results) -> tuple[str, ...]:
    """Groups whose blocks do not add up, so that no later audit can be paired with them."""
    analyses = () if results.faces is None else results.faces.analyses
    return tuple(f"{g.group} by {a.name}" for a in analyses for g in a.groups if not blocks_add_up(g))


def _json(content: bytes, name: str) -> Json:
    try:
        return loads(content)
    except ValueError as error:
        raise BadRequest(f"{name} is no JSON") from error


def _files(source: Path) -> dict[str, bytes]:
    if source.is_dir():
        paths = [path for path in sorted(source.rglob("*")) if path.is_file()]
        if sum(path.stat().st_size for path in paths) > MOST_BYTES:
            raise BadRequest(f"{source.name} is larger than {MOST_BYTES} bytes")
        return {path.relative_to(source).as_posix(): path.read_bytes() for path in paths}
    if not source.is_file():
        raise NotFound(f"there is no bundle {source.name}")
    try:
        with zipfile.ZipFile(source) as archive:
            if sum(info.file_size for info in archive.infolist()) > MOST_BYTES:
                raise BadRequest(f"{source.name} unpacks to more than {MOST_BYTES} bytes")
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
            if len(set(names)) != len(names):
                raise BadRequest(f"{source.name} holds a file twice")
            return {name: archive.read(name) for name in names}
    except (zipfile.BadZipFile, zipfile.LargeZipFile, OSError, NotImplementedError, RuntimeError) as error:
        raise BadRequest(f"{source.name} is no audit bundle: no folder and no .zip that can be read") from error


PACKAGES = ("countenance", "numpy", "scipy", "numba", "pyarrow", "openvino", "boto3", "azure-ai-vision-face")


def environment(models: Sequence[ModelUsed] = ()) -> Environment:
    """The running interpreter, the packages that matter, and the models of this audit. No host or user name."""
    return Environment(
        platform.python_version(),
        f"{platform.system()} {platform.machine()}",
        {name: version for name in PACKAGES if (version := _version(name))},
        tuple(models),
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


COLUMNS = (
    "analysis", "measure", "group", "other_group", "errors", "trials", "people", "estimate", "low", "high", "level",
    "reason",
)  # fmt: skip

Row = tuple[str, str, str, str, Share]


def counts_csv(results: Results) -> bytes:
    """All shares of `results` as CSV, UTF-8, one row each."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for analysis, measure, group, other, share in rows(results):
        numbers = (share.errors, share.trials, share.people, share.estimate, share.low, share.high)
        cells = ["" if number is None else repr(number) for number in numbers]
        names = (_harmless(name) for name in (analysis, measure, group, other))
        writer.writerow([*names, *cells, share.level, share.reason])
    return text.getvalue().encode()


def _harmless(name: str) -> str:
    """A name that no spreadsheet takes for a formula: "=HYPERLINK(…)" begins with an apostrophe."""
    formula = name.startswith(("=", "@", "\t", "\r")) or (
        name.startswith(("+", "-")) and not set("(|!").isdisjoint(name)
    )
    return f"'{name}" if formula else name


def rows(results: Results) -> Iterator[Row]:
    """Every cell of `results`: analysis, measure, group, other group, and share."""
    if results.faces is not None:
        yield from _faces(results)
    if results.outcomes is not None:
        yield "", "error", "everybody", "", results.outcomes.everybody.error
        for outcome_analysis in results.outcomes.analyses:
            for line in outcome_analysis.groups:
                yield outcome_analysis.name, "error", line.group, "", line.error
                yield outcome_analysis.name, "no answer", line.group, "", line.no_answer
                for one in line.classes:
                    yield outcome_analysis.name, f"ppv of {one.label}", line.group, "", one.ppv
                    yield outcome_analysis.name, f"tpr of {one.label}", line.group, "", one.tpr
                    yield outcome_analysis.name, f"fpr of {one.label}", line.group, "", one.fpr
    if results.presentations is not None:
        yield from _presentations("", results.presentations.everybody)
        for presented in results.presentations.analyses:
            for whose in presented.groups:
                yield from _presentations(presented.name, whose)
    if results.risks is not None:
        for name in ("fpr", "fnr", "ppv", "npv", "selected", "prevalence"):
            yield "", name, "everybody", "", getattr(results.risks.everybody, name)
        for risk_analysis in results.risks.analyses:
            for group in risk_analysis.groups:
                for name in ("fpr", "fnr", "ppv", "npv", "selected", "prevalence"):
                    yield risk_analysis.name, name, group.group, "", getattr(group, name)
            for cell in risk_analysis.calibration:
                yield risk_analysis.name, f"observed at {cell.low:g} to {cell.high:g}", cell.group, "", cell.observed


def _presentations(analysis: str, group: PresentationGroup) -> Iterator[Row]:
    yield analysis, "bpcer", group.group, "", group.bpcer
    yield analysis, "bpnrr", group.group, "", group.bpnrr
    for line in group.species:
        yield analysis, f"apcer of {line.species}", group.group, "", line.apcer
        yield analysis, f"apnrr of {line.species}", group.group, "", line.apnrr


def _faces(results: Results) -> Iterator[Row]:
    faces = results.faces
    assert faces is not None
    for name, share in (("fmr", faces.fmr), ("fnmr", faces.fnmr), ("failures", faces.failures)):
        yield "", name, "everybody", "", share
    for point in faces.operating:
        yield "", f"fnmr at fmr {point.fmr_target:g}", "everybody", "", point.fnmr
    for protocol in faces.protocols:
        yield "", f"fmr, {protocol.name}", "everybody", "", protocol.fmr
    for analysis in faces.analyses:
        for group in analysis.groups:
            for name in ("fmr", "fmr_any", "fnmr", "failures"):
                yield analysis.name, name, group.group, "", getattr(group, name)
        for cell in analysis.cross:
            yield analysis.name, "fmr across", cell.first, cell.second, cell.fmr
    for search in faces.searches:
        if search.measured is not None:
            yield "search", f"fpir in {search.gallery}", search.group, "", search.measured
        if search.missed is not None:
            yield "search", f"fnir in {search.gallery}", search.group, "", search.missed

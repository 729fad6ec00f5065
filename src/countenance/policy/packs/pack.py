"""Rule packs: a folder of data each. The only module of `policy` that reads files.

    NAME/pack.toml      name, title, version, kind, default, source, read_on, reviewed_by, binds, summary, leaves_open
    NAME/clauses.cedar  the clauses (see `clauses`)
    NAME/cases.toml     requests with the verdict that the pack must give (see `cases`)

default says what the pack means by silence of its clauses: "open" (what is not forbidden is left open, as pledges and
most laws do) or "closed" (only what a clause permits is permitted). Both are made explicit: an open pack carries one
permit clause NAME.open that always holds.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cedarpy import pst

from countenance.errors import BadRequest, PolicyError
from countenance.policy.clauses import Clause, Effect, PackDefaults, Status, clauses
from countenance.policy.decision import PackIdentity
from countenance.policy.enums import Action
from countenance.policy.packs.cases import PackCase, cases

SHIPPED = Path(__file__).parent
"""The folder of the packs that ship."""

PACK_NAME = r"[a-z0-9]+(-[a-z0-9]+)*"
"""What a pack may be called, as a regular expression."""

_FILES = ("pack.toml", "clauses.cedar", "cases.toml")
_KEYS = {"name", "title", "version", "kind", "default", "source", "read_on", "reviewed_by", "summary", "leaves_open"}
_FURTHER = {"binds": "whoever its clauses describe"}
"""Keys that may be left out, and what is taken then."""

_KINDS = ("house", "pledge", "guidance", "law", "settlement")


@dataclass(frozen=True, slots=True)
class Pack:
    """A rule pack as read. text: clauses.cedar as written. reviewed_by: empty until somebody qualified has.

    binds: whom the text binds, in words. leaves_open: in one sentence, what the text does not reach.
    """

    identity: PackIdentity
    kind: str
    closed: bool
    source: str
    read_on: date
    reviewed_by: str
    binds: str
    summary: str
    leaves_open: str
    clauses: tuple[Clause, ...]
    cases: tuple[PackCase, ...]
    text: str

    @property
    def name(self) -> str:
        """The pack's name, which all its clause ids begin with."""
        return self.identity.name


def shipped() -> tuple[str, ...]:
    """The names of the packs that ship, sorted, the base of all others first."""
    return tuple(
        sorted((p.parent.name for p in SHIPPED.glob("*/pack.toml")), key=lambda name: (name != "mandate", name))
    )


def fine_print(name: str) -> dict[str, object]:
    """The shipped table `name`: "matrix" (actors and uses) or "corpus" (real cases)."""
    return tomllib.loads((SHIPPED.parent / "fine_print" / f"{name}.toml").read_text(encoding="utf-8"))


def read_pack(name: str, extra_dir: Path | None = None) -> Pack:
    """The pack called `name`, from `extra_dir` or from those that ship; a name in both places is a `PolicyError`.

    Read is not activated: `Rules` also runs its cases.
    """
    if not re.fullmatch(PACK_NAME, name):
        raise PolicyError(f"a pack's name is made of a-z, 0-9 and -, got {name[:60]!r}")
    folders = [folder / name for folder in (SHIPPED, extra_dir) if folder is not None and (folder / name).is_dir()]
    if not folders:
        raise PolicyError(f"there is no rule pack {name}; `countenance policy packs` lists them")
    if len(folders) > 1:
        raise PolicyError(f"the rule pack {name} ships already; give the one in your folder another name")
    return pack_in(folders[0])


def pack_in(folder: Path) -> Pack:
    """The pack whose files lie in `folder`."""
    try:
        files = {name: (folder / name).read_bytes() for name in _FILES}
    except OSError as error:
        raise PolicyError(f"pack {folder.name}: {error.strerror}: {Path(error.filename).name}") from error
    return pack_of(folder.name, files)


def pack_of(name: str, files: Mapping[str, bytes]) -> Pack:
    """The pack called `name` made of `files` (pack.toml, clauses.cedar, cases.toml)."""
    try:
        about = tomllib.loads(files["pack.toml"].decode())
        tests = tomllib.loads(files["cases.toml"].decode())
        text = files["clauses.cedar"].decode()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyError(f"pack {name}: {error}") from error
    about = {**_FURTHER, **about}
    keys = _KEYS | set(_FURTHER)
    wrong = sorted(set(about) ^ keys)
    if wrong:
        raise PolicyError(f"pack {name}: pack.toml has {'no' if wrong[0] in keys else 'an unknown key'} {wrong[0]}")
    for key in sorted(keys - {"read_on"}):
        if not isinstance(about[key], str):
            raise PolicyError(f"pack {name}: pack.toml: {key} is a text in quotes")
    if type(about["read_on"]) is not date:
        raise PolicyError(f"pack {name}: pack.toml: read_on is a date such as 2026-11-29, without quotes")
    if about["name"] != name:
        raise PolicyError(f"pack {name}: pack.toml: name is the folder's, {name}, and not {about['name']}")
    for key, words in (("default", ("open", "closed")), ("kind", _KINDS)):
        if about[key] not in words:
            raise PolicyError(f"pack {name}: pack.toml: {key} is one of {', '.join(words)}, and not {about[key]}")
    written = clauses(name, text, PackDefaults(about["source"], about["binds"], about["read_on"]))
    closed = about["default"] == "closed"
    try:
        tried = cases(tests)
    except BadRequest as error:
        raise PolicyError(f"pack {name}: cases.toml: {error}") from error
    return Pack(
        identity=PackIdentity(name, about["version"], _hash(files), about["title"]),
        kind=about["kind"],
        closed=closed,
        source=about["source"],
        read_on=about["read_on"],
        reviewed_by=about["reviewed_by"],
        binds=about["binds"],
        summary=about["summary"],
        leaves_open=about["leaves_open"],
        clauses=written if closed else (*written, _open(name, about["read_on"])),
        cases=tried,
        text=text,
    )


def _hash(files: Mapping[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name in _FILES:
        whole.update(f"{name} {len(files[name])}\n".encode())
        whole.update(files[name])
    return whole.hexdigest()


def _open(name: str, read_on: date) -> Clause:
    return Clause(
        id=f"{name}.open",
        effect=Effect.PERMIT,
        operations=frozenset(Action),
        own=pst.BoolLit(True),
        says="What this text does not forbid, it leaves open.",
        cite="pack.toml, default",
        status=Status.IN_FORCE,
        in_force_from=date.min,
        in_force_until=None,
        remedy="",
        obligations=(),
        facts=frozenset(),
        binds="everybody",
        source="pack.toml",
        looked_up=read_on,
    )

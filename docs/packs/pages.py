"""Writes docs/packs/*.md from the packs that ship; `python docs/packs/pages.py`, and a test compares."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from countenance.policy.clauses import Clause
from countenance.policy.obligations import words
from countenance.policy.packs.pack import Pack, read_pack, shipped

HERE = Path(__file__).parent
NOTE = "Written by `python docs/packs/pages.py` from the packs; do not edit. Not legal advice.\n"


def pages() -> dict[str, str]:
    """File name to text."""
    packs = [read_pack(name) for name in shipped()]
    return {"README.md": index(packs), **{f"{pack.name}.md": page(pack) for pack in packs}}


def index(packs: list[Pack]) -> str:
    """The table of all packs."""
    rows = [f"| [{pack.name}]({pack.name}.md) | {pack.kind} | {pack.summary} | {pack.leaves_open} |" for pack in packs]
    head = f"# Rule packs\n\n{NOTE}\n| pack | kind | what it says | what it leaves open |\n|---|---|---|---|\n"
    return head + "\n".join(rows) + "\n"


def page(pack: Pack) -> str:
    """One pack with all its clauses."""
    return "\n".join(_page(pack)) + "\n"


def _page(pack: Pack) -> Iterator[str]:
    yield f"# {pack.identity.title}\n\n{NOTE}"
    yield f"{pack.summary}\n"
    yield f"**Leaves open**: {pack.leaves_open}\n"
    yield f"- pack: `{pack.name}` {pack.identity.version}, {pack.kind}"
    silence = "forbids what it does not permit" if pack.closed else "leaves open what it does not forbid"
    yield f"- what it is silent about: it {silence}"
    yield f"- source: {pack.source}"
    yield f"- read on {pack.read_on}; reviewed by {pack.reviewed_by or 'nobody qualified yet'}"
    yield f"- {len(pack.cases)} cases of its own\n"
    for clause in pack.clauses:
        if clause.in_force_from != date.min:
            yield from _clause(clause)


def _clause(clause: Clause) -> Iterator[str]:
    until = f" until {clause.in_force_until}" if clause.in_force_until else ""
    yield f"## {clause.id}\n"
    yield f"{clause.says}\n"
    yield f"- {clause.effect}, from {clause.in_force_from}{until}, {clause.status}"
    yield f"- {clause.cite}"
    yield f"- binds {clause.binds}"
    yield f"- held against its text on {clause.looked_up}" if clause.looked_up else "- not held against its text yet"
    if len(clause.operations) < 13:
        yield f"- about: {', '.join(sorted(clause.operations))}"
    facts = ", ".join(f"`{path}`" for path in sorted(fact.path for fact in clause.facts))
    if facts:
        yield f"- facts: {facts}"
    if clause.remedy:
        yield f"- what would change the answer: {clause.remedy}"
    if clause.obligations:
        yield f"- owes: {'; '.join(words(obligation) for obligation in clause.obligations)}"
    yield ""


if __name__ == "__main__":
    for name, text in pages().items():
        (HERE / name).write_text(text, encoding="utf-8")

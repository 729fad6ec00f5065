"""The fine print as one HTML page that needs nothing else: small pictures first, then every cell with its clause."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from countenance.policy.decision import Decision, Verdict
from countenance.policy.fine_print.matrix import Matrix, letter
from countenance.policy.packs.pack import Pack

_CELL = 9
"""Side of a small picture's cell in px."""

_FULL = 7
"""The number of texts at which the overview's colour is full."""

_ORDER = ("pledge", "guidance", "settlement", "law", "house")
_GROUPS = (
    ("What vendors said", ("pledge", "guidance")),
    ("What binds", ("settlement", "law")),
    ("What this server does by itself", ("house",)),
)
_MARK = {Verdict.PERMIT: "·", Verdict.DENY: "■", Verdict.UNDETERMINED: "?"}
_SAID = {Verdict.PERMIT: "left open", Verdict.DENY: "stopped", Verdict.UNDETERMINED: "cannot be decided"}

_STYLE = """
:root { --ink: #1b1f27; --soft: #5b6472; --paper: #ffffff; --line: #d5dae2; --open: #eef1f5; --stop: #1d4e89;
  --doubt: #e0a030; --stop-ink: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebf0; --soft: #9aa4b2; --paper: #14171c; --line: #333a45;
  --open: #262c35; --stop: #6aa5e8; --doubt: #e0a030; --stop-ink: #0c1016; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem; max-width: 84rem; color: var(--ink); background: var(--paper);
  font: 16px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
h3 { font-size: .95rem; margin: 0; }
p { margin: .3rem 0; max-width: 62rem; }
.soft { color: var(--soft); }
.key { display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; margin: .8rem 0; }
.key span::before { content: ""; display: inline-block; width: .8rem; height: .8rem; margin-right: .4rem;
  vertical-align: -1px; background: var(--open); border: 1px solid var(--line); }
.key .stop::before { background: var(--stop); }
.key .doubt::before { background: var(--doubt); }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1.2rem 1.4rem; }
.tile p { font-size: .8rem; }
.tile svg { display: block; width: 100%; max-width: 15.5rem; height: auto; margin: .3rem 0; }
.tile b { font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; border: 1px solid var(--line); }
table { border-collapse: collapse; font-size: .8rem; width: 100%; }
th, td { border: 1px solid var(--line); padding: .15rem .3rem; text-align: center; }
tbody th { text-align: left; font-weight: 400; white-space: nowrap; position: sticky; left: 0;
  background: var(--paper); }
thead th { vertical-align: bottom; font-weight: 600; }
thead th span { writing-mode: vertical-rl; transform: rotate(180deg); white-space: nowrap; }
thead th:first-child { position: sticky; left: 0; background: var(--paper); text-align: left; }
td.deny { background: var(--stop); color: var(--stop-ink); }
td.undetermined { background: var(--doubt); color: #201400; }
td.permit { background: var(--open); color: var(--soft); }
details { margin: .4rem 0; }
@media (max-width: 40rem) { tbody th { white-space: normal; min-width: 9rem; max-width: 9rem; } }
.overview td { min-width: 2rem; font-variant-numeric: tabular-nums; }
summary { cursor: pointer; font-weight: 600; }
dt { font-weight: 600; margin-top: .5rem; }
dd { margin: 0 0 0 1rem; overflow-wrap: anywhere; }
td[title], rect { cursor: help; }
.told { outline: 3px solid var(--ink); outline-offset: -3px; stroke: var(--ink); stroke-width: 2; }
#said { position: fixed; inset: auto 0 0 0; max-height: 40vh; overflow-y: auto; padding: .6rem 1.2rem;
  background: var(--paper); border-top: 2px solid var(--ink); font-size: .9rem; }
"""

_SCRIPT = """
const said = document.getElementById("said");
let told = null;
document.addEventListener("click", (event) => {
  const cell = event.target.closest("td[title], rect");
  told?.classList.remove("told");
  told = cell;
  said.hidden = !cell;
  if (!cell) return;
  cell.classList.add("told");
  const row = cell.closest("tr")?.querySelector("th").textContent;
  said.textContent = cell.title ? row + ", " + cell.dataset.of + ": " + cell.title : cell.textContent;
});
"""
"""Says the clause of a cell that is tapped or clicked: a finger cannot point without touching."""


def page(matrix: Matrix) -> str:
    """The page, as text to be written in UTF-8."""
    return "\n".join(_lines(matrix))


def _lines(matrix: Matrix) -> Iterator[str]:
    packs = sorted(matrix.packs, key=lambda pack: _ORDER.index(pack.kind))
    cells = len(matrix.actors) * len(matrix.uses)
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8"><title>The fine print</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{_STYLE}</style></head><body>"
    yield "<h1>The fine print: what each text stops, and what it leaves open</h1>"
    yield (
        f"<p>Each small picture is one text by itself, under the law of {matrix.law_date}: {len(matrix.uses)} uses "
        f"(rows) by {len(matrix.actors)} actors (columns). The actors take no precaution beyond a model with evidence: "
        "no warrant, no statute, no review. Not legal advice; nobody qualified has reviewed these texts yet.</p>"
    )
    yield '<div class="key"><span class="stop">stopped</span><span class="doubt">cannot be decided, so not permitted'
    yield "</span><span>left open</span></div>"
    yield _overview(matrix, [pack for pack in packs if pack.kind != "house"])
    for title, kinds in _GROUPS:
        group = [pack for pack in packs if pack.kind in kinds and pack.name != "mandate"]
        if group:
            yield f'<h2>{title}</h2><div class="tiles">'
            for pack in group:
                yield _tile(matrix, pack, cells)
            yield "</div>"
    yield "<h2>Every cell, with its clause</h2><p class='soft'>Point at a cell, or tap it, to read the clause.</p>"
    for number, use in enumerate(matrix.uses, 1):
        yield f"<details{' open' if number <= 3 else ''}><summary>{number}. {escape(use.title)}</summary>"
        yield _table(matrix, packs, use.id) + "</details>"
    yield "<h2>The texts</h2><dl>"
    for pack in packs:
        yield f"<dt>{escape(pack.identity.title)} <span class='soft'>{pack.name} {pack.identity.version}</span></dt>"
        yield f"<dd>{escape(pack.summary)}</dd><dd>Leaves open: {escape(pack.leaves_open)}</dd>"
        yield f"<dd class='soft'>{escape(pack.source)}</dd><dd class='soft'>sha256 {pack.identity.hash}</dd>"
    yield f'</dl><output id="said" hidden></output><script>{_SCRIPT}</script></body></html>'


def _overview(matrix: Matrix, packs: list[Pack]) -> str:
    """How many texts stop each use by each actor: also the key to the rows and columns of the small pictures."""
    head = "".join(f"<th><span>{letter(n)} {escape(a.title)}</span></th>" for n, a in enumerate(matrix.actors))
    rows = []
    for number, use in enumerate(matrix.uses, 1):
        cells = []
        for actor in matrix.actors:
            stopping = [pack for pack in packs if matrix.at(pack.name, use.id, actor.id).verdict is not Verdict.PERMIT]
            names = ", ".join(pack.name for pack in stopping) or "none"
            share = round(100 * min(1.0, len(stopping) / _FULL))
            ink = "var(--stop-ink)" if share > 45 else "var(--ink)"
            cells.append(
                f'<td title="{escape(names)}" data-of="{escape(actor.title)}: stopped by" style="color: {ink}; '
                f'background: color-mix(in srgb, var(--stop) {share}%, var(--open))">{len(stopping)}</td>'
            )
        rows.append(f"<tr><th>{number} {escape(use.title)}</th>{''.join(cells)}</tr>")
    table = f"<thead><tr><th>Use</th>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return (
        f"<h2>How many of the {len(packs)} texts stop it</h2>"
        "<p class='soft'>Numbers and letters name the rows and columns of the small pictures below.</p>"
        f'<div class="wide"><table class="overview">{table}</table></div>'
    )


def _tile(matrix: Matrix, pack: Pack, cells: int) -> str:
    stopped, doubtful = matrix.count(pack.name, Verdict.DENY), matrix.count(pack.name, Verdict.UNDETERMINED)
    doubt = f", {doubtful} undecided" if doubtful else ""
    return (
        f'<div class="tile"><h3>{escape(pack.identity.title)}</h3>{_grid(matrix, pack)}'
        f"<p><b>{stopped}</b> of {cells} stopped{doubt}</p><p>{escape(pack.leaves_open)}</p></div>"
    )


def _grid(matrix: Matrix, pack: Pack) -> str:
    margin = 14
    width, height = margin + _CELL * len(matrix.actors), margin + _CELL * len(matrix.uses)
    label = f"{pack.identity.title}: {matrix.count(pack.name, Verdict.DENY)} of {len(matrix.actors) * len(matrix.uses)}"
    shapes = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)} stopped">']
    shapes.append('<g font-size="7" fill="var(--soft)" font-family="system-ui, sans-serif">')
    shapes.extend(
        f'<text x="{margin + n * _CELL + _CELL / 2}" y="10" text-anchor="middle">{letter(n)}</text>'
        for n in range(len(matrix.actors))
    )
    shapes.extend(
        f'<text x="{margin - 3}" y="{margin + n * _CELL + 7}" text-anchor="end">{n + 1}</text>'
        for n in range(len(matrix.uses))
    )
    shapes.append("</g>")
    colour = {Verdict.PERMIT: "open", Verdict.DENY: "stop", Verdict.UNDETERMINED: "doubt"}
    for row, use in enumerate(matrix.uses):
        for column, actor in enumerate(matrix.actors):
            decision = matrix.at(pack.name, use.id, actor.id)
            shapes.append(
                f'<rect x="{margin + column * _CELL}" y="{margin + row * _CELL}" width="{_CELL - 1}" '
                f'height="{_CELL - 1}" fill="var(--{colour[decision.verdict]})"><title>{escape(actor.title)}: '
                f"{escape(use.title)}: {_SAID[decision.verdict]} ({decision.clauses[0]})</title></rect>"
            )
    shapes.append("</svg>")
    return "".join(shapes)


def _table(matrix: Matrix, packs: list[Pack], use: str) -> str:
    head = "".join(f"<th><span>{escape(pack.identity.title)}</span></th>" for pack in packs)
    rows = []
    for actor in matrix.actors:
        cells = "".join(_cell(pack, matrix.at(pack.name, use, actor.id)) for pack in packs)
        rows.append(f"<tr><th>{escape(actor.title)}</th>{cells}</tr>")
    body = f"<thead><tr><th>Actor</th>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<div class="wide"><table>{body}</table></div>'


def _cell(pack: Pack, decision: Decision) -> str:
    why = "; ".join(f"{ground.id}: {ground.says}" for ground in decision.grounds[:4])
    if decision.missing:
        why += " Not stated: " + ", ".join(fact.fact for fact in decision.missing[:6])
    title = f"{_SAID[decision.verdict]}. {why}"
    return (
        f'<td class="{decision.verdict}" data-of="{escape(pack.identity.title)}" title="{escape(title)}">'
        f"{_MARK[decision.verdict]}</td>"
    )

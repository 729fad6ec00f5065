"""Write the schema files again: `python -m countenance.audit.formats.schemas`."""

from __future__ import annotations

import json

from countenance.audit.evidence.presentations import SealedPad
from countenance.audit.evidence.statement import Sealed
from countenance.audit.formats.plan import SystemsPlan
from countenance.audit.formats.schemas import FOLDER, SCHEMAS, made

EVERY: tuple[tuple[str, type[object], str], ...] = (
    *SCHEMAS,
    ("evidence.schema.json", Sealed, "Countenance evidence 1"),
    ("systems-plan.schema.json", SystemsPlan, "Countenance audit plan for several systems 1"),
    ("pad-evidence.schema.json", SealedPad, "Countenance evidence of presentation attack detection 1"),
)
for name, kind, title in EVERY:
    (FOLDER / name).write_text(json.dumps(made(kind, title), indent=2, ensure_ascii=False) + "\n")

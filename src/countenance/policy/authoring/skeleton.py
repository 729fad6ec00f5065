"""The files that a new pack begins with: one example clause, its case, and a word on every key. They pass `check`."""

from __future__ import annotations

from datetime import date


def skeleton(name: str, today: date) -> dict[str, str]:
    """File name to text for a pack called `name`, read on `today`."""
    return {
        file: text.replace("NAME", name).replace("TODAY", today.isoformat())
        for file, text in (("pack.toml", _ABOUT), ("clauses.cedar", _CLAUSES), ("cases.toml", _CASES))
    }


_ABOUT = """\
# Every key is described in docs/policy.md. Replace what stands in quotes.
name = "NAME"
title = "A title of a few words"
version = "0.1.0"
kind = "law"         # pledge | guidance | settlement | law | house
default = "open"     # open: what is not forbidden is left open; closed: only what a clause permits is permitted
source = "The text that was read, and where it can be read"
read_on = TODAY
reviewed_by = ""     # empty until somebody qualified has
binds = "whom the text binds, in words"
summary = "What it says, in one sentence."
leaves_open = "What it does not reach, in one sentence."
"""

_CLAUSES = """\
// Whom several clauses bind, said once. `countenance policy words` lists all facts and the words that they may take.
@scope("NAME.police")
@says("police of a state or a city, in Washington")
permit (principal, action, resource)
when {
  context.places.touched.contains("US-WA") &&
  context.holder.powers.contains("arrest") &&
  ["municipal", "state"].contains(context.actor.tier)
};

@id("NAME.live")
@within("NAME.police")
@says("No identification in real time without a warrant.")
@cite("the section that says so")
@status("unreviewed")
@in_force_from("2026-01-01")
@remedy("Obtain a warrant, or search recorded pictures.")
forbid (principal, action in [Action::"identify", Action::"track"], resource)
when { context.use.mode == "real_time" }
unless { context.authorisation.kind == "warrant" && context.authorisation.state == "granted" };
"""

_CASES = """\
now = 2026-06-01T12:00:00Z

# The request that cases start from: it is permitted.
[base]
operation = "identify"
jurisdictions = ["US-WA"]
actor = { class_name = "city police", powers = ["arrest"], tier = "municipal" }
use = { mode = "afterwards" }
authorisation = { kind = "superior", granted_at = "now-1h" }

[[clause]]
id = "NAME.live"
begins = 2026-01-01
deny = [
  { use.mode = "real_time" },
  { use.mode = "real_time", operation = "track" },
  { use.mode = "real_time", actor.tier = "state" },
  { use.mode = "real_time", authorisation = { kind = "warrant", refused_at = "now-30m" } },
]
permit = [
  {},
  { use.mode = "real_time", authorisation.kind = "warrant" },
  { use.mode = "real_time", jurisdictions = ["US-OR"] },
  { use.mode = "real_time", actor.powers = ["benefits"] },
  { use.mode = "real_time", actor.tier = "national" },
]
missing = ["use.mode"]
"""

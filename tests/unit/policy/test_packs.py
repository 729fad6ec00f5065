"""Packs are data that must earn their place: what does not parse, validate or pass its own cases is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.unit.policy.test_decisions import clause, small

from countenance.errors import PolicyError
from countenance.policy import Rules
from countenance.policy.authoring.changed_facts import DERIVED
from countenance.policy.clauses import Effect, Status
from countenance.policy.facts import FACTS
from countenance.policy.packs.pack import SHIPPED, pack_in, read_pack, shipped
from countenance.policy.rules import check

PROMISED = {
    "mandate",
    "house",
    "ibm",
    "amazon-blog",
    "amazon-terms",
    "microsoft",
    "google",
    "aws-guidance",
    "eu-ai-act",
    "gdpr",
    "washington",
    "colorado",
    "maryland",
    "virginia",
    "illinois",
    "texas",
    "portland",
    "san-francisco",
    "detroit",
    "uk",
    "montana",
    "utah",
    "maine",
    "vermont",
    "new-jersey",
    "new-york-city",
    "clearview-2022",
    "rite-aid-2023",
}
FROM_MEMORY = {"portland", "maine", "vermont", "new-jersey", "clearview-2022"}
"""Packs none of whose text was read in the source itself."""


def test_all_promised_packs_ship() -> None:
    assert set(shipped()) == PROMISED


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_each_shipped_pack_passes_its_own_cases(name: str) -> None:
    check(read_pack(name))


def test_all_shipped_packs_can_be_in_force_together() -> None:
    rules = Rules([read_pack(name) for name in shipped()])
    assert {pack.name for pack in rules.packs} == PROMISED


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_nobody_is_said_to_have_reviewed_a_pack(name: str) -> None:
    assert read_pack(name).reviewed_by == ""


@pytest.mark.parametrize("name", sorted(FROM_MEMORY))
def test_what_was_written_from_memory_is_marked_unreviewed(name: str) -> None:
    written = [c for c in read_pack(name).clauses if c.id != f"{name}.open"]
    assert all(c.status is Status.UNREVIEWED for c in written)


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_a_place_in_a_text_that_was_not_read_is_not_said_to_have_been(name: str) -> None:
    for c in read_pack(name).clauses:
        place = re.sub(r"\([^)]*\bday\b[^)]*\)", "", c.cite)  # that a day is from memory leaves the text read
        if re.search("from memory|retold|reported|summar", place):
            assert (c.status, c.looked_up) == (Status.UNREVIEWED, None), c.id


def test_virginias_text_of_2022_ends_on_1_july_2026_and_that_of_2021_comes_back() -> None:
    clauses = {c.id: c for c in read_pack("virginia").clauses}
    assert clauses["virginia.authorised-use"].in_force_until == clauses["virginia.local-statute"].in_force_from


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_every_clause_says_who_is_bound_by_which_text_and_when_somebody_looked(name: str) -> None:
    for c in read_pack(name).clauses:
        assert c.binds, c.id
        assert c.source, c.id
        assert c.looked_up is not None or c.status is Status.UNREVIEWED, c.id


PARTY = {"use.vendor", "use.company", "actor.jurisdictions", "behalf.jurisdictions"}
"""Facts that tell the one party of a settlement from everybody else."""


def test_each_settlement_reaches_its_one_party_only() -> None:
    settlements = [pack for pack in map(read_pack, sorted(PROMISED)) if pack.kind == "settlement"]
    assert {pack.name for pack in settlements} == {"detroit", "clearview-2022", "rite-aid-2023"}
    for pack in settlements:
        for c in (c for c in pack.clauses if c.effect is not Effect.PERMIT):
            assert PARTY & {fact.path for fact in c.facts}, c.id


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_a_remedy_that_is_none_says_so_and_every_text_is_a_sentence(name: str) -> None:
    for c in read_pack(name).clauses:
        for text in filter(None, (c.says, c.remedy)):
            assert text.endswith("."), (c.id, text)


def test_every_fact_of_the_vocabulary_is_read_by_some_clause() -> None:
    read = {fact.path for name in shipped() for c in read_pack(name).clauses for fact in c.facts}
    assert {fact.path for fact in FACTS} - read - DERIVED == FREE


FREE = {
    "subject.minor",
    "gallery.for_this_deployment",
    "gallery.reviewed",
    "space.controlled",
    "space.mobile_camera",
    "authorisation.refused_at",
    "model.fpir_ppb",
    "evidence.fmr_worst_ppb",
    "evidence.independent",
    "review.reviewers",
    "assessment.authorities_told",
    "assessment.annual_report",
    "notice.defence",
    "retention.non_matches_deleted",
    "retention.others_blurred",
}
"""Facts for packs of an operator's own: those that ship enforce the like as obligations, or do not need them."""


# refusals


def test_text_that_is_no_cedar_is_refused() -> None:
    with pytest.raises(PolicyError, match="does not parse"):
        small("forbid (principal")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (clause("context.use.pourpose == 1"), "no fact use.pourpose"),
        (clause('context.use.purpose == "pleasure"'), "never 'pleasure'"),
        (clause('["arrest", "police"].contains(context.use.purpose)'), "never 'arrest'"),
        (clause('context.actor.powers.containsAny(["police"])'), "never 'police'"),
        (clause('context.places.touched.contains("Europe")'), "jurisdiction"),
        (clause("context has use"), "has no place"),
        (clause("if true then false else true"), "has no place"),
        (clause('context.model.id like "a*"'), "has no place"),
        (clause("principal == resource"), "has no place"),
        (clause('context.use.purpose == Gallery::"x"'), "has no place"),
        (clause("true", ident="other.a"), "must start with small."),
        (clause("true", notes='@colour("red")'), "unknown annotation @colour"),
        (clause("true").replace('@cite("Cited")', ""), "@cite is missing"),
        (clause("true").replace('@remedy("Remedied.")', ""), "@remedy is missing"),
        (clause("true").replace("in-force", "certain"), "certain"),
        (clause("true").replace("in-force", "repealed"), "in_force_until"),
        (clause("true", notes='@looked_up("2026-01-01")').replace("in-force", "unreviewed"), "no @looked_up"),
        (clause("true", notes='@in_force_until("2019-01-01")'), "before it begins"),
        (clause("true").replace("2020-01-01", "sometime"), "sometime"),
        (clause("true", action='action == Action::"dance"'), "dance"),
        (clause("true", notes='@duty @obligation("reviewers 2")'), "a duty is a permit"),
        (clause("true", "permit", notes="@duty"), "a duty is a permit"),
        (clause("true", notes='@obligation("be nice")'), "no obligation 'be nice'"),
        (clause("true") + clause("false"), "two clauses are called small.a"),
        (clause("true").replace("(principal,", '(principal == Mandate::"x",'), "stay open"),
        (clause("true").replace("(principal,", "(principal == ?principal,"), "template"),
    ],
)
def test_a_clause_that_says_nothing_sensible_is_refused(text: str, what: str) -> None:
    with pytest.raises(PolicyError, match=what):
        small(text)


@pytest.mark.parametrize(
    "condition",
    ["context.use.purpose > 3", "context.use.urgent == 1", "context.retention.days", "context.actor.powers > 2"],
)
def test_a_clause_of_the_wrong_type_does_not_validate(condition: str) -> None:
    with pytest.raises(PolicyError, match="does not validate"):
        Rules([small(clause(condition))])


CASES = """
now = 2026-01-01T00:00:00Z
[base]
operation = "identify"
actor = { class_name = "shop" }
use = { urgent = true }
[[clause]]
id = "small.a"
deny = [{}]
permit = [{ use.urgent = false }]
missing = ["use.urgent"]
"""


def test_a_pack_that_passes_its_cases_is_good() -> None:
    check(small(clause("context.use.urgent"), cases=CASES))


@pytest.mark.parametrize(
    ("condition", "what"),
    [
        ("!context.use.urgent", "permit 1"),
        ("true", "permit 1"),
        ("false", "deny 1"),
        ("context.use.urgent && context.use.exigent", "deny 1"),
    ],
)
def test_a_pack_that_fails_its_own_case_is_refused_by_its_name(condition: str, what: str) -> None:
    with pytest.raises(PolicyError, match=f"fails its own case 'small.a: {what}'"):
        check(small(clause(condition), cases=CASES))


def test_a_clause_without_a_case_is_refused() -> None:
    with pytest.raises(PolicyError, match=r"no case about its clause small\.b"):
        check(
            small(clause("context.use.urgent") + clause("context.use.exigent && false", ident="small.b"), cases=CASES)
        )


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ('[[case]]\nname = "x"\nverdict = "maybe"', "verdict is"),
        ('[[case]]\nname = "x"\nverdict = "deny"', "names its clauses"),
        ('[[case]]\nname = "x"\nverdict = "permit"\ncolour = 1', "unknown key colour"),
        ('[[case]]\nverdict = "permit"', "no name"),
        ('[[case]]\nname = "x"\nverdict = "permit"\nunset = ["use.mode"]', "not stated"),
        ('[[case]]\nname = "x"\nverdict = "permit"\nset = { use.mode = "slow" }', "one of afterwards"),
        ('[[case]]\nname = "x"\nverdict = "permit"\nset = { use.moode = "slow" }', "no such fact"),
        ('[[case]]\nname = "x"\nverdict = "permit"\nbase = "none"', "no base"),
        ('[[case]]\nname = "x"\nverdict = "permit"\n[[case]]\nname = "x"\nverdict = "permit"', "two cases"),
        ('[[clause]]\nid = "small.a"\nbegins = 3', "begins is a date"),
        ("surprise = 1", "it holds now"),
    ],
)
def test_a_malformed_case_is_refused(more: str, what: str) -> None:
    cases = more + CASES if more.startswith("surprise") else CASES + more
    with pytest.raises(PolicyError, match=what):
        small(clause("context.use.urgent"), cases=cases)


def write(folder: Path, name: str) -> Path:
    target = folder / name
    target.mkdir(parents=True)
    for file in ("pack.toml", "clauses.cedar", "cases.toml"):
        text = (SHIPPED / "google" / file).read_text().replace('"google', f'"{name}').replace("google.", f"{name}.")
        (target / file).write_text(text)
    return target


def test_an_operators_own_pack_is_loaded_from_its_folder(tmp_path: Path) -> None:
    write(tmp_path, "ours")
    rules = Rules.load(["house", "ours"], tmp_path)
    assert [pack.name for pack in rules.packs] == ["mandate", "house", "ours"]


def test_a_pack_that_takes_a_shipped_name_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "house")
    with pytest.raises(PolicyError, match="ships already"):
        Rules.load(["house"], tmp_path)


@pytest.mark.parametrize("name", ["../house", "house/../ibm", "HOUSE", "", "a b", "no-such-pack"])
def test_a_name_that_is_no_packs_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyError):
        Rules.load([name], tmp_path)


@pytest.mark.parametrize("file", ["pack.toml", "clauses.cedar", "cases.toml"])
def test_a_missing_or_garbled_file_is_refused(tmp_path: Path, file: str) -> None:
    folder = write(tmp_path, "ours")
    (folder / file).write_bytes(b"\xff\xfe=")
    with pytest.raises(PolicyError):
        pack_in(folder)
    (folder / file).unlink()
    with pytest.raises(PolicyError, match=file):
        pack_in(folder)


@pytest.mark.parametrize("file", ["pack.toml", "clauses.cedar", "cases.toml"])
def test_any_changed_byte_changes_the_hash(tmp_path: Path, file: str) -> None:
    folder = write(tmp_path, "ours")
    before = pack_in(folder).identity.hash
    text = (folder / file).read_text()
    (folder / file).write_text(text + "\n")
    assert pack_in(folder).identity.hash != before
    (folder / file).write_text(text)
    assert pack_in(folder).identity.hash == before


def test_a_pack_that_fails_stops_the_rules_from_loading(tmp_path: Path) -> None:
    folder = write(tmp_path, "ours")
    text = (folder / "clauses.cedar").read_text()
    (folder / "clauses.cedar").write_text(text.replace("unless", "when"))
    with pytest.raises(PolicyError, match="pack ours fails its own case"):
        Rules.load(["ours"], tmp_path)


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_each_clause_has_cases_that_permit_that_deny_and_that_leave_a_fact_unstated(name: str) -> None:
    pack = read_pack(name)
    for c in pack.clauses:
        if c.effect is not Effect.FORBID:
            continue
        about = [case for case in pack.cases if c.id in case.about or case.name.startswith(f"{c.id}:")]
        verdicts = {case.verdict for case in pack.cases if c.id in (case.clauses or ())}
        assert "deny" in verdicts, c.id
        assert about
        optional = [fact for fact in c.facts if fact.optional]
        if optional and not all(fact.group == "time" for fact in optional):
            assert "undetermined" in verdicts, c.id
        assert any(case.verdict == "permit" and case.request.operation in c.operations for case in pack.cases) or (
            c.id in NEVER_PERMITTED
        ), c.id


NEVER_PERMITTED = {"house.profiling", "ibm.categorise", "microsoft.emotion"}
"""Clauses that nothing makes permitted, so that no case of their operations can be."""

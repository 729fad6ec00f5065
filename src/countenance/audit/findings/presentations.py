"""What presentation attack detection lets through, and whom it stops, in sentences that hold a rate and its bounds."""

from __future__ import annotations

from countenance.audit.findings.words import interval, of, percent
from countenance.audit.formats.results import HighestApcer, PresentationGroup, Share


def presentation_lines(group: PresentationGroup) -> tuple[str, ...]:
    """The highest APCER of a group, over all species and by type of attack, and its BPCER and BPNRR."""
    lines = [f"Highest APCER{_type(one)}: {highest_words(one, group)}." for one in group.highest]
    if not group.highest:
        lines.append("Highest APCER: insufficient evidence, no species of attack has a rate that may be told.")
    lines.append(f"BPCER: {bounded(group.bpcer)}.")
    if group.bpnrr.errors:
        lines.append(f"No response to bona fide presentations (BPNRR): {bounded(group.bpnrr)}.")
    return tuple(lines)


def highest_words(one: HighestApcer, group: PresentationGroup) -> str:
    """A highest APCER: "12.0 % for print (6 of 50), at most 24.0 % and at least 3.00 %, the highest of 4 species"."""
    share = next(line.apcer for line in group.species if line.species == one.species)
    ends = f"at most {percent(one.bounds.high)}"
    ends += f" and at least {percent(one.bounds.low)}" if one.bounds.low else ""
    over = f", the highest of {one.over} species" if one.over > 1 else ""
    hidden = f"; {one.withheld} withheld, the highest may be among them" if one.withheld else ""
    return f"{percent(one.apcer)} for {one.species} ({of(share)}), {ends}{over}{hidden}"


def bounded(share: Share) -> str:
    """A rate with its counts and interval: "0 of 54, at most 6.64 %"; or why there is none."""
    if not share.known:
        return f"unknown, {share.reason}"
    if not share.errors:
        return f"{of(share)}, at most {percent(share.high)}"
    return f"{percent(share.estimate)} ({of(share)}; {interval(share)})"


def _type(one: HighestApcer) -> str:
    return f" of {one.attack_type} attacks" if one.attack_type else ""

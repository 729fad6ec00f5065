"""The auditor's mathematics: arrays in, frozen results out; no files, no network, no clock.

Scores are larger-is-more-alike inside; a comparison is a match at or above the threshold. Rates are 0..1. Randomness is
a seed that the caller passes. What could not be measured is a value with a reason, never a number that looks fine.
"""

from countenance.metrics.all_pairs.pairs import all_pairs, top_scores
from countenance.metrics.all_pairs.sums import PairSums
from countenance.metrics.decisions.classification import Classification, ClassRates, GroupClassification, classify
from countenance.metrics.decisions.risk import CalibrationCell, FourFifths, GroupRisk, Identity, Risk, assess_risk
from countenance.metrics.search.advisor import Advice, GroupCost, advise
from countenance.metrics.search.identification import (
    Lead,
    SearchTest,
    chance_of_any,
    expected_false_matches,
    fmr_for_chance,
    lead,
    search_test,
)
from countenance.metrics.search.open_set import OpenSet, SearchRates, open_set
from countenance.metrics.search.tail import Tail, fit_tail
from countenance.metrics.statistics.bootstrap import bootstrap_totals, percentile, vertex_bootstrap
from countenance.metrics.statistics.dyads import Tally, clustered_rate, covariance, tally, tally_pairs
from countenance.metrics.statistics.extremes import Extreme, max_over_geomean, max_over_min
from countenance.metrics.statistics.intervals import (
    Interval,
    Rate,
    clopper_pearson,
    plain_rate,
    rule_of_three,
    unknown_rate,
    wilson,
    wilson_bounds,
)
from countenance.metrics.statistics.labels import intersections
from countenance.metrics.statistics.planner import (
    Design,
    attempts_for_fnmr,
    fnmr_for_attempts,
    ratio_for_subjects,
    relative_variance,
    smallest_fmr,
    subjects_for_equivalence,
    subjects_for_ratio,
)
from countenance.metrics.statistics.ratios import Ratio, ratio, ratio_of_tallies
from countenance.metrics.statistics.summaries import (
    RankDisagreement,
    Summaries,
    Summary,
    fdr,
    garbe,
    gini,
    inequity,
    rank_disagreement,
    summarise,
)
from countenance.metrics.statistics.verdicts import (
    Correction,
    Hypothesis,
    Judgement,
    Verdict,
    benjamini_hochberg,
    holm,
    judge,
)
from countenance.metrics.verification.comparisons import (
    Comparisons,
    Direction,
    Finding,
    direction,
    impostor_protocol,
)
from countenance.metrics.verification.operating import (
    GroupThreshold,
    OperatingPoint,
    ThresholdDisparity,
    det_band,
    group_thresholds,
    operating_points,
)
from countenance.metrics.verification.tradeoff import Det, EqualError, Histogram, Tradeoff, histogram
from countenance.metrics.verification.verification import (
    Cell,
    GroupErrors,
    ProtocolEffect,
    Verification,
    failure_rates,
    protocol_effects,
    verify,
    verify_each,
)

__all__ = [
    "Advice", "CalibrationCell", "Cell", "ClassRates", "Classification", "Comparisons", "Correction", "Design", "Det",
    "Direction", "EqualError", "Extreme", "Finding", "FourFifths", "GroupClassification", "GroupCost", "GroupErrors",
    "GroupRisk", "GroupThreshold", "Histogram", "Hypothesis", "Identity", "Interval", "Judgement", "Lead", "OpenSet",
    "OperatingPoint", "PairSums", "ProtocolEffect", "RankDisagreement", "Rate", "Ratio", "Risk", "SearchRates",
    "SearchTest", "Summaries", "Summary", "Tail", "Tally", "ThresholdDisparity", "Tradeoff", "Verdict", "Verification",
    "advise", "all_pairs", "assess_risk", "attempts_for_fnmr", "benjamini_hochberg", "bootstrap_totals",
    "chance_of_any", "classify", "clopper_pearson", "clustered_rate", "covariance", "det_band", "direction",
    "expected_false_matches", "failure_rates", "fdr", "fit_tail", "fmr_for_chance", "fnmr_for_attempts", "garbe",
    "gini", "group_thresholds", "histogram", "holm", "impostor_protocol", "inequity", "intersections", "judge", "lead",
    "max_over_geomean", "max_over_min", "open_set", "operating_points", "percentile", "plain_rate", "protocol_effects",
    "rank_disagreement", "ratio", "ratio_for_subjects", "ratio_of_tallies", "relative_variance", "rule_of_three",
    "search_test", "smallest_fmr", "subjects_for_equivalence", "subjects_for_ratio", "summarise", "tally",
    "tally_pairs", "top_scores", "unknown_rate", "verify", "verify_each", "vertex_bootstrap", "wilson", "wilson_bounds",
]  # fmt: skip

"""From labelled templates to a normaliser and two calibrations, and their effect on people who were not used. First
half of the people are set aside, unused until the end. The normaliser is made from the other half; its calibration
comes from scores of people whom the scoring normaliser had not seen (that half is split in two, and each part scored by
a normaliser made from the other).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from countenance.calibrate.centroids import FEWEST_PEOPLE, cohort
from countenance.calibrate.curve import Group, Impostors
from countenance.calibrate.duplicates import one_each, same_people
from countenance.calibrate.fit_crowding import (
    PLACE,
    RATES,
    SHARPNESS,
    Evened,
    ImpostorPairs,
    Loss,
    Mated,
    doubt,
    even,
    impostor_pairs,
)
from countenance.calibrate.labelled_pictures import Portraits, Strings
from countenance.faces import ModelId
from countenance.scoring.normaliser import Crowding, Doubt, Normaliser, RawCosine, Recognition

MATED_PICTURES = 5
"""The most pictures of one person that are used for mated pairs."""
_PEOPLE_PER_CENTRE = 15  # requested; centres with fewer than 20 people are dropped afterwards
_PEOPLE_PER_DEGRADED_CENTRE = 30  # in one cell of the grid
_AGE_WEIGHT, _WIDENED_WEIGHT, _PRESS_WEIGHT = 0.5, 0.1, 0.2
_DEGRADED_WEIGHT, _DOUBT_WEIGHT = 1.0, 0.15
_DOUBT_SHARE = 0.75  # the whole of it misses more of LFW's pairs than the interval of none of it allows


@dataclass(frozen=True, slots=True, eq=False)
class Degraded:
    """Pictures made worse. portraits: some people, once in every cell. cells: the cell's name, (n,).

    promised: whether the row is of the grid to which promises apply; the others (wrong turns, no faces) only make
    centres.
    """

    portraits: Portraits
    cells: Strings
    promised: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.portraits)

    def __getitem__(self, rows: NDArray[np.bool_]) -> Degraded:
        return Degraded(self.portraits[rows], self.cells[rows], self.promised[rows])


def no_degraded() -> Degraded:
    """Of nobody."""
    none = np.zeros(0, str)
    empty = Portraits(np.zeros((0, 0), np.float32), none, none, none, none, np.zeros(0))
    return Degraded(empty, none, np.zeros(0, bool))


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Pictures of people for one purpose. press: several of a person; tight: one each; widened: the same people.

    degraded: some of tight (and widened) again, made worse; degraded_press: some of press, one picture of each.
    """

    press: Portraits
    tight: Portraits
    widened: Portraits
    degraded: Degraded = field(default_factory=no_degraded)
    degraded_press: Degraded = field(default_factory=no_degraded)

    def part(self, number: int, parts: int, seed: int) -> People:
        """Those of part `number` of `parts`, people drawn at random: all pictures of a person are in one part."""
        draw = np.random.default_rng([seed, parts])
        faces, names = np.unique(self.tight.person), np.unique(self.press.person)
        of_faces = dict(zip(faces.tolist(), (draw.permutation(len(faces)) % parts).tolist(), strict=True))
        of_names = dict(zip(names.tolist(), (draw.permutation(len(names)) % parts).tolist(), strict=True))
        return People(
            self.press[np.array([of_names[p] == number for p in self.press.person])],
            self.tight[np.array([of_faces[p] == number for p in self.tight.person])],
            self.widened[np.array([of_faces[p] == number for p in self.widened.person])],
            self.degraded[np.array([of_faces.get(p, number) == number for p in self.degraded.portraits.person], bool)],
            self.degraded_press[np.array([of_names[p] == number for p in self.degraded_press.portraits.person], bool)],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A normaliser and how it was made. people: how many are behind each centre, (m,). nearest: the largest cosine of a
    centre with any picture used.
    """

    normaliser: Crowding
    people: NDArray[np.int64]
    nearest: float
    evened: Evened


def without_repeats(
    tight: Portraits,
    widened: Portraits,
    press: Portraits,
    degraded: Degraded | None = None,
    degraded_press: Degraded | None = None,
) -> tuple[People, float, int]:
    """One picture per person of `tight` and its widened twin; the cut, and how many pictures were set aside.

    Of `press`, which has names, people are kept unless the same cut finds their first picture to be of an earlier
    person: some people are in LFW under two names.
    """
    person, cut = same_people(tight.vectors, tight.gender, tight.race)
    kept = tight[one_each(person)]
    names = set(kept.person.tolist())
    twins = widened[np.array([p in names for p in widened.person], bool)]
    first = one_each(np.unique(press.person, return_inverse=True)[1].astype(np.int64))
    alike, _ = same_people(press.vectors[first], press.gender[first], press.race[first], cut)
    known = set(press.person[first][one_each(alike)].tolist())
    named = press[np.array([p in known for p in press.person], bool)]
    worse = no_degraded() if degraded is None else degraded
    # non-faces have no person's name, and are kept
    known_by_sight = set(tight.person.tolist())
    stays = np.array([p in names or p not in known_by_sight for p in worse.portraits.person], bool)
    press_worse = no_degraded() if degraded_press is None else degraded_press
    press_worse = press_worse[np.array([p in known for p in press_worse.portraits.person], bool)]
    return People(named, kept, twins, worse[stays], press_worse), cut, len(tight) - len(kept)


def make_normaliser(people: People, model: ModelId, seed: int, steps: int = 140, press_impostors: bool = True) -> Made:
    """A `Crowding` fitted to `people`; its identity is still empty.

    press_impostors: whether to make different people in press pictures match as rarely as others.
    """
    asked = [(p, len(p) // _PEOPLE_PER_CENTRE) for p in (people.tight, people.widened) if len(p)]
    made = [cohort(portraits.vectors, wanted, seed) for portraits, wanted in asked]
    worse = [  # of FairFace only: LFW's licence lets it influence the weights, and no centre
        cohort(people.degraded.portraits.vectors[rows], max(int(rows.sum()) // _PEOPLE_PER_DEGRADED_CENTRE, 2), seed)
        for rows in (people.degraded.cells == cell for cell in np.unique(people.degraded.cells))
        if rows.sum() >= 2 * FEWEST_PEOPLE
    ]
    centres = np.vstack([c for c, _ in (*made, *worse)])
    counts = np.concatenate([n for _, n in (*made, *worse)])
    tight, widened, press_pictures = len(people.tight), len(people.widened), len(people.press)
    promised = people.degraded[people.degraded.promised]
    hard = people.degraded_press
    vectors = np.vstack(
        [people.tight.vectors, people.widened.vectors, people.press.vectors]
        + [worse.portraits.vectors for worse in (promised, hard) if len(worse)]
    )
    press = tight + widened
    first = one_each(np.unique(people.press.person, return_inverse=True)[1].astype(np.int64))
    rows = np.arange(tight)
    twins = np.arange(tight, press)
    sets: list[ImpostorPairs] = [
        impostor_pairs(vectors, rows, people.tight.group, aim="target", weight=1.0),
        impostor_pairs(vectors, rows, people.tight.age, aim="together", weight=_AGE_WEIGHT),
    ]
    if press_impostors:
        gender = people.press.gender[first]
        sets.append(impostor_pairs(vectors, press + first, gender, aim="target", weight=_PRESS_WEIGHT))
    if widened:
        sets += [
            impostor_pairs(vectors, twins, people.widened.group, aim="target", weight=_WIDENED_WEIGHT),
            impostor_pairs(vectors, twins, people.widened.age, aim="together", weight=_WIDENED_WEIGHT * _AGE_WEIGHT),
        ]
    if len(promised):
        rows = press + press_pictures + np.arange(len(promised))
        weight = _DEGRADED_WEIGHT / 2
        group, gender = promised.portraits.group, promised.portraits.gender
        sets.append(impostor_pairs(vectors, rows, promised.cells, aim="ceiling", weight=weight, within=group))
        sets.append(impostor_pairs(vectors, rows, promised.cells, aim="ceiling", weight=weight, within=gender))
    mated = mated_pairs(people.press, press)
    evened = even(vectors, centres, Loss(sets, mated), steps)
    bare = Crowding(model, "", centres, evened.weights.astype(np.float32), SHARPNESS, evened.strength, 0.0)
    levels = evened.levels
    if len(hard):
        rows, gender = press + press_pictures + len(promised) + np.arange(len(hard)), hard.portraits.gender
        harder = impostor_pairs(vectors, rows, hard.cells, aim="ceiling", weight=_DOUBT_WEIGHT, within=gender)
        eased = [replace(s, weight=_DOUBT_WEIGHT) if s.aim == "ceiling" else s for s in sets]
        loss = Loss([*eased, harder], mated, margin=0.0)
        doubted = doubt(vectors, bare.crowding(vectors).astype(np.float64), levels, loss)
        direction = (_DOUBT_SHARE * doubted.direction).astype(np.float32)
        bare, levels = replace(bare, doubt=Doubt(direction, PLACE)), doubted.levels
    level = -float(bare.crowding(people.tight.vectors).mean())
    normaliser = replace(bare, level=level)
    count = sum(len(c) for c, _ in worse)
    if len(promised):
        # the fit's own level of FMR 1e-3, on the scale of the normaliser
        threshold = float(levels[list(RATES).index(1e-3)]) - 2 * level
        normaliser = replace(normaliser, recognition=recognition(normaliser, people, count, threshold))
    used = np.vstack([people.tight.vectors, people.widened.vectors])
    return Made(normaliser, counts, float((used @ centres.T).max()), evened)


def recognition(normaliser: Crowding, people: People, degraded: int, threshold: float) -> Recognition:
    """How a template's nearness to the last `degraded` centres predicts whether its picture still matches its
    undegraded self. A logistic regression over all degraded pictures of `people`, and the undegraded ones as matches of
    themselves; threshold: the score at which pictures match. Non-faces match nothing.
    """
    portraits = people.degraded.portraits
    row = {person: i for i, person in enumerate(people.tight.person.tolist())}
    at = np.array([row.get(person, -1) for person in portraits.person.tolist()])
    probe = normaliser.probe_side(portraits.vectors)
    gallery = normaliser.gallery_side(people.tight.vectors)
    matched = (at >= 0) & (np.einsum("ij,ij->i", probe, gallery[at]) >= threshold)
    near = normaliser.nearness(np.vstack([portraits.vectors, people.tight.vectors]), degraded).astype(np.float64)
    hit = np.concatenate([matched, np.ones(len(people.tight), bool)])

    def loss(z: NDArray[np.float64]) -> float:
        away = z[0] - z[1] * near
        return float(np.logaddexp(0, np.where(hit, -away, away)).mean())

    minimum = minimize(loss, np.array([0.0, 10.0]), method="Nelder-Mead")
    return Recognition(degraded, float(minimum.x[0]), float(minimum.x[1]))


def mated_pairs(press: Portraits, before: int = 0) -> Mated:
    """Pairs of pictures of one person; women's and men's pairs have the same total weight.

    before: added to row numbers.
    """
    first, second = [], []
    order = np.argsort(press.person, kind="stable")
    names = press.person[order]
    starts = np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1]]))
    for start, end in zip(starts, np.append(starts[1:], len(order)), strict=True):
        own = order[start:end][:MATED_PICTURES]
        i, j = np.triu_indices(len(own), 1)
        first.append(own[i])
        second.append(own[j])
    a, b = np.concatenate(first), np.concatenate(second)
    women = press.gender[a] == "female"
    share = np.clip(women.mean(), 0.05, 0.95)
    weight = np.where(women, 0.5 / share, 0.5 / (1 - share))
    cosine = np.einsum("ij,ij->i", press.vectors[a], press.vectors[b]).astype(np.float64)
    return Mated(a + before, b + before, cosine, weight)


def impostor_groups(parts: Sequence[tuple[People, Normaliser]]) -> tuple[list[Impostors], list[Impostors]]:
    """Scores of different people: within race and gender (tight) and gender (press), and within age band (tight).

    Each part is scored by its own normaliser, and no pair spans two parts.
    """

    def within(pick: str, label: str, value: str) -> Impostors:
        sides = []
        for people, normaliser in parts:
            portraits = people.tight if pick == "tight" else people.press
            if pick == "press":
                portraits = portraits[one_each(np.unique(portraits.person, return_inverse=True)[1].astype(np.int64))]
            own = portraits.vectors[getattr(portraits, label) == value]
            sides.append((normaliser.probe_side(own), normaliser.gallery_side(own)))
        name = value if pick == "tight" else f"press {value}"
        return Impostors.of(name, sides)

    tight = parts[0][0].tight
    main = [within("tight", "group", str(g)) for g in np.unique(tight.group)]
    main += [within("press", "gender", g) for g in ("female", "male")]
    return main, [within("tight", "age", str(a)) for a in np.unique(tight.age)]


def calibrating_groups(people: People, model: ModelId, seed: int, steps: int) -> list[Group]:
    """The groups' rates under the normalised score, of people whom the scoring normaliser had not seen."""
    halves = [people.part(i, 2, seed + 1) for i in (0, 1)]
    parts = [(halves[i], make_normaliser(halves[1 - i], model, seed, steps).normaliser) for i in (0, 1)]
    return [Group.of(impostors, seed) for impostors in impostor_groups(parts)[0]]


def raw_groups(people: People, seed: int) -> list[Group]:
    """The groups' rates under plain cosine."""
    return [Group.of(impostors, seed) for impostors in impostor_groups([(people, RawCosine())])[0]]

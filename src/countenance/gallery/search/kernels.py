"""The loops of the bounded search, compiled by numba; they release the GIL.

tests/unit/gallery/search/reference.py computes the same in NumPy, and tests compare the two.

A search allocates a few bytes at most. Fine codes, one more bit for each dimension than brief ones, are stored row
after row, since few of them are read.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from countenance.gallery.search.cipher import TURN, keystream
from countenance.gallery.search.intrinsics import (
    LANES,
    STEP,
    WIDTH,
    added,
    bits_dot,
    bounds_alone,
    bounds_beside,
    fetch,
    flags_set,
    give_way,
    group_dots,
    instructions,
    keep_alone,
    keep_beside,
    lowest,
    pointer,
    posix_fadvise,
    pread,
    single,
)

NO_BOUND = 1e30
"""The residual of a row without codes."""

BRIEF, FACTS, SCALES, FINE, ROWS, KEY, NUMBERS, COUNTING, ROOM, START, CODED, FILE, AT, FEW = range(14)
"""Columns of `layout.Layout.chunks`: addresses, then numbers of rows; the file and the place in it of rows that are not
in memory, which alone have a key; and whether perhaps few rows count (1), so that the others should not be put among
those that wait.
"""
NOTED, REFINED, COMPUTED, FULL, WAITING, _HELD, _STRETCHES, LOST = range(8)
"""What a thread's state counts: rows noted, rows tested by fine codes, rows computed; whether there was room for all
notes (0) or not (1); rows that wait, scores in the heap, stretches of waiting rows; rows that could not be read.
"""
STATE = 8

_PACKS = instructions() == "avx512"
_ALONE = 12  # terms of a probe if every column is rotated
_FETCHED = 256  # waiting rows whose fine codes are fetched while those before them are read
_NEAR = 16  # rows that are fetched together before they are computed
_CLOSED = -(2**62)  # subtracted from the count of threads when no more may join
_PATIENCE = 1000  # checks whether the others are done, before the processor is yielded to them
_SOON = 3  # POSIX_FADV_WILLNEED
_ADVISED = hasattr(os, "posix_fadvise")  # macOS has none; there, rows are read one after the other


_carray: Any = numba.carray  # type: ignore[attr-defined]


def compiled(function: Callable[..., Any]) -> Any:
    """`function`, compiled when first called and cached on disk if there is a folder for that."""
    how: Any = {"nogil": True, "fastmath": {"nnan", "nsz", "contract", "reassoc"}, "error_model": "numpy"}
    try:
        return numba.njit(function, cache=True, **how)
    except RuntimeError:  # no folder for the cache
        return numba.njit(function, **how)


@compiled
def _bytes(address: int, shape: Any) -> Any:
    return _carray(pointer(address), shape, np.uint8)


@compiled
def _singles(address: int, shape: Any) -> Any:
    return _carray(pointer(address), shape, np.float32)


@compiled
def _longs(address: int, shape: Any) -> Any:
    return _carray(pointer(address), shape, np.int64)


@compiled
def _flags(address: int, shape: Any) -> Any:
    return _carray(pointer(address), shape, np.bool_)


@compiled
def _words(address: int, shape: Any) -> Any:
    return _carray(pointer(address), shape, np.uint32)


@compiled
def seal(rows: Any, key: Any, first: int, words: Any) -> None:
    """words (n, d + 1) uint32 = `rows` (n, d) float32 and a checksum of each, encrypted. first: the place of the first.

    key: (8,) uint32. No place may be sealed twice with one key.
    """
    count, dimension = rows.shape
    stream = np.empty(TURN, np.uint32)
    for i in range(count):
        words[i, :dimension] = rows[i].view(np.uint32)
        words[i, dimension] = _checksum(words[i])
        _mix(words[i], key, first + i, stream)


@compiled
def read_rows(file: int, at: int, key: Any, places: Any, rows: Any, lost: Any) -> None:
    """rows (n, d) = the rows at those `places` of what lies from byte `at` of a file on. lost: (n,) bool, which could
    not be read or are not as they were written.
    """
    words, stream = np.empty(rows.shape[1] + 1, np.uint32), np.empty(TURN, np.uint32)
    for i in range(len(places)):
        _ask(file, at, places[i], rows.shape[1])
    for i in range(len(places)):
        lost[i] = not _read(file, at, key, places[i], words, stream, rows[i])


@compiled
def _read(file: int, at: int, key: Any, place: int, words: Any, stream: Any, row: Any) -> Any:
    """row (d,) = the row at that place of a file; whether it is as it was written. words (d + 1,), stream: space."""
    size = 4 * len(words)
    if pread(file, words.ctypes, size, at + place * size) != size:
        return False
    _mix(words, key, place, stream)
    row[:] = words[:-1].view(np.float32)
    return _checksum(words) == words[-1]


@compiled
def _mix(words: Any, key: Any, place: int, stream: Any) -> None:
    """Encrypt, or decrypt, the words of the row at that place."""
    for first in range(0, len(words), TURN):
        keystream(key, np.uint32(place), np.uint32(first // TURN), stream)
        for i in range(min(TURN, len(words) - first)):
            words[first + i] ^= stream[i]


@compiled
def _checksum(words: Any) -> Any:
    """Of all words but the last one."""
    total = np.int64(0)
    for i in range(len(words) - 1):
        total += np.int64(words[i]) * (2 * i + 1)
    return np.uint32(total & 0xFFFFFFFF)


@compiled
def _ask(file: int, at: int, place: int, dimension: int) -> None:
    """Have the system begin to read the row at that place of a file."""
    size = 4 * (dimension + 1)
    if _ADVISED:
        posix_fadvise(file, at + place * size, size, _SOON)


@compiled
def encode(turned: Any, clip: float, codes: Any, facts: Any, longest: Any) -> None:
    """Code rows `turned` (n, d) float32, all finite, with eight even levels, pairs of which are four; see `codes`.

    clip: where the range of the levels ends, in units of a row's root mean square. codes: (n, d) uint8. facts: (4, n)
    float32: gain and residual of four levels and of eight. longest: raised to the longest gain x c of each, and to the
    longest row.
    """
    count, dimension = turned.shape
    for i in range(count):
        total = 0.0
        for j in range(dimension):
            total += float(turned[i, j]) ** 2
        step = 0.25 * clip * math.sqrt(total / dimension)
        if step <= 0.0:
            codes[i, :] = 0
            for which in range(2):
                facts[2 * which, i], facts[2 * which + 1, i] = 0.0, 0.0
            continue
        with_four = four = with_eight = eight = 0.0
        for j in range(dimension):
            value = float(turned[i, j])
            code = min(max(math.floor(value / step) + 4, 0), 7)
            codes[i, j] = code
            level = (code >> 1) - 1.5
            with_four += value * level
            four += level * level
            level = code - 3.5
            with_eight += value * level
            eight += level * level
        whole = total * 1.000002  # never less than the true value
        longest[2] = max(longest[2], math.sqrt(whole))
        for which in range(2):
            products, squares = (with_eight, eight) if which else (with_four, four)
            facts[2 * which, i] = whole / products
            left = whole * (whole * squares / products**2 - 1.0)
            facts[2 * which + 1, i] = math.sqrt(max(left, 0.0)) * 1.000001
            longest[which] = max(longest[which], whole / products * math.sqrt(squares) * 1.000001)


@compiled
def round_probe(probe: Any, rotation: Any, centre: Any, chance: Any, numbers: Any) -> Any:
    """Rotate `probe` (d,) and round it to numbers (padded,) int8, multiples of a scale, up or down by `chance` (0..1).

    rotation: (d, padded). Returns the scale; the squared norm of the rotated probe and of what rounding lost of it; its
    inner product with `centre`; the squared norm of the probe.
    """
    turned = np.zeros(len(numbers), np.float32)
    base = exact = squares = left = 0.0
    for i in range(len(probe)):
        base += float(probe[i]) * centre[i]
        exact += float(probe[i]) ** 2
        for j in range(len(numbers)):
            turned[j] += probe[i] * rotation[i, j]
    largest = np.abs(turned).max()
    scale = np.float32(largest / 126.9) if largest > 0 else np.float32(1)
    for j in range(len(numbers)):
        number = min(max(math.floor(turned[j] / scale + chance[j]), -128), 127)
        numbers[j] = number
        squares += float(turned[j]) ** 2
        left += (float(turned[j]) - float(scale) * number) ** 2
    return float(scale), squares, left, base, exact


@compiled
def look(
    layout: Any, parts: Any, turn: Any, query: Any, probe: Any, terms: Any, heaps: Any, places: Any, scores: Any,
    waits: Any, stretches: Any, state: Any, floors: Any, me: int,
) -> None:  # fmt: skip
    """One thread's share of a search for one probe: as many parts as it gets, then the rows that it left waiting.

    layout, parts: of `layout.Layout`. turn: (3,) int64, shared: the next part, how many threads joined, how many are
    done.
    query: (padded,) int8, the coded probe. terms: `codes.terms`. The others have a row for each thread, `me` for this
    one: heaps: the best scores, as many as the search's limit. places, scores: of rows that may be hits. waits: (4, n)
    int32, of rows that wait: places in their chunks; inner products of codes; as float32, the highest score that these
    allow and what a column that is not rotated adds. stretches: (n, 3), chunk, first and last of the waiting rows.
    state: as named above. floors: the least float32 score of a hit. The first thread returns when all that joined are
    done.
    """
    if added(turn, 1, 1) >= 0:
        while True:
            part = added(turn, 0, 1)
            if part >= parts.shape[0]:
                break
            sift(
                layout, parts[part], query, probe, terms, heaps[me], places[me], scores[me], waits[me], stretches[me],
                state[me], floors, me,
            )  # fmt: skip
        # other threads may still note rows; a score that is missing yet is -inf, so the floor is never too high
        floors[me] = least(scores, state, floors, heaps.shape[1], terms[5])
        settle(
            layout, query, probe, terms, heaps[me], places[me], scores[me], waits[me], stretches[me], state[me],
            floors, me,
        )  # fmt: skip
        added(turn, 2, 1)
    if me == 0:
        came, looks = added(turn, 1, _CLOSED), 0
        while added(turn, 2, 0) < came:
            looks += 1
            if looks % _PATIENCE == 0:
                give_way()


@compiled
def look_many(
    layout: Any, parts: Any, queries: Any, probes: Any, terms: Any, heaps: Any, places: Any, scores: Any, waits: Any,
    stretches: Any, state: Any, floors: Any,
) -> None:  # fmt: skip
    """Searches for several probes by one thread: a part's codes are read from memory once for all of them. As `look`,
    but each row of the arrays is for one probe.
    """
    for part in parts:
        for i in range(len(queries)):
            sift(
                layout, part, queries[i], probes[i], terms[i], heaps[i], places[i], scores[i], waits[i], stretches[i],
                state[i], floors[i : i + 1], 0,
            )  # fmt: skip
    for i in range(len(queries)):
        settle(
            layout, queries[i], probes[i], terms[i], heaps[i], places[i], scores[i], waits[i], stretches[i], state[i],
            floors[i : i + 1], 0,
        )  # fmt: skip


@compiled
def least(scores: Any, state: Any, floors: Any, limit: int, twice: Any) -> Any:
    """The least float32 score of a hit, given those that all threads have noted."""
    best = np.empty(limit, np.float32)
    size = 0
    for one in range(scores.shape[0]):
        for i in range(state[one, NOTED]):
            if scores[one, i] > np.float32(-np.inf):
                size = _pushed(best, size, scores[one, i])
    floor = floors.max()
    if size == limit:
        floor = max(floor, best[0] - twice)
    return floor


@compiled
def gather(
    layout: Any, places: Any, scores: Any, state: Any, floors: Any, limit: int, twice: Any, dimension: int
) -> Any:
    """Numbers (n,) and rows (n, d) of the possible hits that the threads noted. Then how many rows were tested by fine
    codes and how many were computed; 0, or more if the answer is incomplete: there was no room for all notes, or a row
    was erased meanwhile; and how many rows could not be read.
    """
    floor = least(scores, state, floors, limit, twice)
    count = refined = computed = full = lost = 0
    for one in range(scores.shape[0]):
        refined, computed, full = (
            refined + state[one, REFINED],
            computed + state[one, COMPUTED],
            full + state[one, FULL],
        )
        lost += state[one, LOST]
        for i in range(state[one, NOTED]):
            count += scores[one, i] >= floor
    numbers, candidates = np.empty(count, np.int64), np.empty((count, dimension), np.float32)
    words, stream = np.empty(dimension + 1, np.uint32), np.empty(TURN, np.uint32)
    at = 0
    for one in range(scores.shape[0]):
        for i in range(state[one, NOTED]):
            if scores[one, i] < floor:
                continue
            chunk = 0
            while chunk + 1 < layout.shape[0] and layout[chunk + 1, START] <= places[one, i]:
                chunk += 1
            place, room = places[one, i] - layout[chunk, START], layout[chunk, ROOM]
            numbers[at] = _longs(layout[chunk, NUMBERS], room)[place]
            whole = True
            if layout[chunk, KEY]:
                key = _words(layout[chunk, KEY], 8)
                whole = _read(layout[chunk, FILE], layout[chunk, AT], key, place, words, stream, candidates[at])
            else:
                candidates[at] = _singles(layout[chunk, ROWS], (room, dimension))[place]
            counts = _flags(layout[chunk, COUNTING], room)[place]  # read last, since an erased row cannot be read
            full += not counts
            lost += counts and not whole
            at += 1
    return numbers, candidates, refined, computed, full, lost


@compiled
def sift(
    layout: Any, part: Any, query: Any, probe: Any, terms: Any, heap: Any, places: Any, scores: Any, waits: Any,
    stretches: Any, state: Any, floors: Any, me: int,
) -> None:  # fmt: skip
    """Test a part's rows by their brief codes, and compute those that have no codes. Arguments as for `look`. Rows that
    are estimated to be hits are computed soon, which raises the floor for those that follow; other possible hits wait
    for `settle`.
    """
    chunk, end = layout[part[0]], part[2]
    dimension, turns, column = probe.shape[0], query.shape[0] // STEP, int(terms.shape[0] > _ALONE)
    room = chunk[ROOM]
    groups, block = room // LANES, query.shape[0] // 4 * LANES
    brief = _bytes(chunk[BRIEF], groups * block)
    facts = _bytes(chunk[FACTS], (groups, 2 + column, LANES))
    scales = _singles(chunk[SCALES], (groups, 2 + column, 2))
    rows, alive = _singles(chunk[ROWS], (room, dimension)), _flags(chunk[COUNTING], room)
    waiting, dots = waits[0], waits[1]
    bounds, asides = waits[2].view(np.float32), waits[3].view(np.float32)
    sums = np.empty(LANES, np.int32)
    upper = np.empty(LANES, np.float32)
    beside = np.zeros(LANES, np.float32)
    likely = np.empty(_NEAR + LANES, np.int64)
    hits, group, last = 0, part[1] // LANES, min(end, chunk[CODED]) // LANES
    count = begun = state[WAITING]
    floor = floors.max()
    slack, tilt = _slack(terms, floor, terms[7])
    while group < last and state[FULL] == 0:
        if count + LANES > waiting.shape[0]:
            _wait(stretches, state, part[0], begun, count)
            settle(layout, query, probe, terms, heap, places, scores, waits, stretches, state, floors, me)
            count = begun = 0
            floor = floors.max()
            slack, tilt = _slack(terms, floor, terms[7])
        group_dots(brief, group * block, query, sums, turns)
        if column:
            both = bounds_beside(facts, scales, group, terms, slack, tilt, floor, sums, upper, beside)
        else:
            both = bounds_alone(facts, scales, group, terms, slack, tilt, floor, sums, upper, beside)
        if chunk[FEW]:
            both &= np.uint64(flags_set(alive, group * LANES)) * np.uint64(2**LANES + 1)
        above = np.uint32(both >> np.uint64(LANES))
        bits = np.uint32(both) & ~above
        if _PACKS:
            if column:
                count = keep_beside(bits, group * LANES, sums, upper, beside, waits, count)
            else:
                count = keep_alone(bits, group * LANES, sums, upper, beside, waits, count)
        else:
            while bits != 0:
                lane = np.int64(lowest(bits))
                bits &= bits - np.uint32(1)
                waiting[count], dots[count], bounds[count] = group * LANES + lane, sums[lane], upper[lane]
                asides[count] = beside[lane]
                count += 1
        while above != 0:
            likely[hits] = group * LANES + np.int64(lowest(above))
            above &= above - np.uint32(1)
            if chunk[KEY]:
                _ask(chunk[FILE], chunk[AT], likely[hits], dimension)
            else:
                for line in range(0, min(4 * dimension, 1024), 64):
                    fetch(rows, 4 * dimension * likely[hits] + line)
            hits += 1
        if hits >= _NEAR:
            _compute(chunk, alive, probe, likely, hits, terms[5], heap, places, scores, state, floors, me)
            hits = 0
            floor = floors.max()
            slack, tilt = _slack(terms, floor, terms[7])
        group += 1
    _wait(stretches, state, part[0], begun, count)
    _compute(chunk, alive, probe, likely, hits, terms[5], heap, places, scores, state, floors, me)
    for place in range(last * LANES, end):
        likely[0] = place
        _compute(chunk, alive, probe, likely, 1, terms[5], heap, places, scores, state, floors, me)


@compiled
def _wait(stretches: Any, state: Any, chunk: int, begun: int, count: int) -> None:
    """Note that the waiting rows `begun` to `count` - 1 are of that chunk, extending its last stretch if possible."""
    state[WAITING] = count
    if count == begun:
        return
    last = state[_STRETCHES] - 1
    if last >= 0 and stretches[last, 0] == chunk:
        stretches[last, 2] = count
        return
    stretches[last + 1, 0], stretches[last + 1, 1], stretches[last + 1, 2] = chunk, begun, count
    state[_STRETCHES] = last + 2


@compiled
def _slack(terms: Any, floor: Any, t: Any) -> tuple[Any, Any]:
    """t |p'| of a row that scores `floor` or more, since at least that much of the probe lies along it; and its slope
    in b.

    b: what a column that is not rotated adds to the row's score. t |p'| is concave in b, so its tangent at 0 is never
    below it. Where the tangent would be too steep it is flattened.
    """
    along = min(max(floor - terms[10], np.float32(0)) * terms[11], np.float32(0.9) * math.sqrt(terms[9]))
    across = max(np.float32(math.sqrt(terms[9] - along * along)), np.float32(1e-30))
    return t * across, t * along * terms[11] / across


@compiled
def settle(
    layout: Any, query: Any, probe: Any, terms: Any, heap: Any, places: Any, scores: Any, waits: Any, stretches: Any,
    state: Any, floors: Any, me: int,
) -> None:  # fmt: skip
    """Compute the waiting rows that their fine codes do not rule out; then no row waits. Arguments as for `look`.

    Rows in files are all asked for before the first is read: a disk reads many at once in little more time than one.
    """
    for i in range(state[_STRETCHES]):
        chunk, first, last = layout[stretches[i, 0]], stretches[i, 1], stretches[i, 2]
        if chunk[KEY]:
            _ask_for(chunk, query, probe, terms, waits[:, first:last], floors.max())
    for i in range(state[_STRETCHES]):
        chunk, first, last = layout[stretches[i, 0]], stretches[i, 1], stretches[i, 2]
        _settle(
            chunk, query, probe, terms, heap, places, scores, waits[:, first:last], state, floors, me
        )  # fmt: skip
    state[_STRETCHES] = state[WAITING] = 0


@compiled
def _ask_for(chunk: Any, query: Any, probe: Any, terms: Any, waits: Any, floor: Any) -> None:
    """Ask for those of the waiting rows of one chunk that `_settle` will read if the floor stays where it is."""
    width, turns, dimension = query.shape[0] // 8 + 8, query.shape[0] // WIDTH, probe.shape[0]
    fine = _bytes(chunk[FINE], (chunk[ROOM], width))
    waiting, dots = waits[0], waits[1]
    bounds, asides = waits[2].view(np.float32), waits[3].view(np.float32)
    slack, tilt = _slack(terms, floor, terms[8])
    for i in range(len(waiting)):
        if bounds[i] >= floor:
            beside = asides[i] if terms.shape[0] > _ALONE else np.float32(0)
            if _fine_bound(fine, waiting[i] * width, query, turns, terms, dots[i], beside, slack, tilt) >= floor:
                _ask(chunk[FILE], chunk[AT], waiting[i], dimension)


@compiled
def _fine_bound(
    fine: Any, at: int, query: Any, turns: int, terms: Any, brief: Any, beside: Any, slack: Any, tilt: Any
) -> Any:
    """The highest score that the fine codes from byte `at` on allow a row, whose brief codes' product is `brief`."""
    bits = query.shape[0] // 8
    dot: Any = bits_dot(fine, at, query, turns)
    gain: Any = single(fine, at + bits)
    residual: Any = single(fine, at + bits + 4)
    value = (np.float32(2 * brief + dot) - terms[2]) * (terms[0] * gain) + beside
    return value + (residual * (slack + tilt * beside) + terms[4])


@compiled
def _settle(
    chunk: Any, query: Any, probe: Any, terms: Any, heap: Any, places: Any, scores: Any, waits: Any, state: Any,
    floors: Any, me: int,
) -> None:  # fmt: skip
    """As `settle`, for the waiting rows of one chunk."""
    width, room = query.shape[0] // 8 + 8, chunk[ROOM]
    fine, alive = _bytes(chunk[FINE], (room, width)), _flags(chunk[COUNTING], room)
    waiting, dots = waits[0], waits[1]
    bounds, asides = waits[2].view(np.float32), waits[3].view(np.float32)
    near = np.empty(_NEAR, np.int64)
    turns, column = query.shape[0] // WIDTH, terms.shape[0] > _ALONE
    floor = floors.max()
    slack, tilt = _slack(terms, floor, terms[8])
    count = 0  # without a branch, since fine codes rule out about half of them
    for i in range(len(waiting)):
        waiting[count], dots[count], bounds[count], asides[count] = waiting[i], dots[i], bounds[i], asides[i]
        count += bounds[i] >= floor
    fetched = at = 0
    while at < count and state[FULL] == 0:
        while fetched < min(count, at + _FETCHED):
            for line in range(0, width + 63, 64):
                fetch(fine, waiting[fetched] * width + min(line, width - 1))
            fetched += 1
        kept = 0
        while at < fetched and kept < _NEAR:
            place, beside = waiting[at], asides[at] if column else np.float32(0)
            if _fine_bound(fine, place * width, query, turns, terms, dots[at], beside, slack, tilt) >= floor:
                near[kept] = place
                kept += 1
            at += 1
        if kept > 0:
            _compute(chunk, alive, probe, near, kept, terms[5], heap, places, scores, state, floors, me)
            floor = floors.max()
            slack, tilt = _slack(terms, floor, terms[8])
    state[REFINED] += at


@compiled
def _compute(
    chunk: Any, alive: Any, probe: Any, near: Any, count: int, twice: Any, heap: Any, places: Any, scores: Any,
    state: Any, floors: Any, me: int,
) -> None:  # fmt: skip
    """Compute the scores of the chunk's rows at the first `count` places in `near`, note those that reach the floor,
    and raise it.
    """
    dimension, sealed = probe.shape[0], chunk[KEY] != 0
    rows = _singles(chunk[ROWS], (chunk[ROOM], dimension))
    floor = floors.max()
    if sealed:
        words, stream = np.empty(dimension + 1, np.uint32), np.empty(TURN, np.uint32)
        row, key = np.empty(dimension, np.float32), _words(chunk[KEY], 8)
    else:
        for i in range(count):
            for line in range(0, 4 * dimension, 64):
                fetch(rows, 4 * dimension * near[i] + line)
    for i in range(count):
        place = near[i]
        if not alive[place]:
            continue
        if not sealed:
            row = rows[place]
        elif not _read(chunk[FILE], chunk[AT], key, place, words, stream, row):
            state[LOST] += alive[place]  # an erased row cannot be read
            continue
        total = np.float32(0)
        for j in range(dimension):
            total += row[j] * probe[j]
        state[COMPUTED] += 1
        if total < floor:
            continue
        if state[NOTED] == places.shape[0]:
            state[FULL] = 1
            return
        places[state[NOTED]], scores[state[NOTED]] = place + chunk[START], total
        state[NOTED] += 1
        state[_HELD] = _pushed(heap, state[_HELD], total)
        if state[_HELD] == heap.shape[0]:
            floor = max(floor, heap[0] - twice)
            floors[me] = floor


@compiled
def _pushed(heap: Any, size: int, score: Any) -> int:
    """Put a score into the heap of the best ones (the least first); returns its new size."""
    if size == heap.shape[0]:
        if score <= heap[0]:
            return size
        at = 0
        while True:
            child = 2 * at + 1
            if child >= size:
                break
            if child + 1 < size and heap[child + 1] < heap[child]:
                child += 1
            if heap[child] >= score:
                break
            heap[at] = heap[child]
            at = child
        heap[at] = score
        return size
    at = size
    while at > 0 and heap[(at - 1) // 2] > score:
        heap[at] = heap[(at - 1) // 2]
        at = (at - 1) // 2
    heap[at] = score
    return size + 1

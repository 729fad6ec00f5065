"""The loops of the sieve, compiled by numba: nothing here allocates more than a few bytes or holds the GIL.

Brief codes lie in groups of LANES rows. A group's codes are one block: for each STEP dimensions four bytes a row, row
after row, of which byte b holds dimension 4 j + b in its bits 2 j and 2 j + 1. So one instruction (AVX-512's VPDPBUSD)
multiplies sixteen rows' dimensions with the probe's; elsewhere LLVM makes what the processor has. Fine codes, one bit
more for each dimension, lie row after row, since few rows are looked at.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import llvmlite.binding  # type: ignore[import-untyped]
import numba
import numpy as np
from llvmlite import ir
from numba.extending import intrinsic

LANES = 32
STEP = 16
"""Dimensions that one turn of the innermost loop takes; rows are coded in a multiple of it."""

NO_BOUND = 1e30
"""Residual of a row of which nothing is known."""

_I8, _I16, _I32, _I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_SUMS = ir.VectorType(_I32, 16)
_ALONE = 12  # terms of a probe without a column that stays
_AHEAD = 1024  # waiting rows whose memory is being fetched while those before are looked at
_NEAR = 16  # rows that are fetched together to be computed


def instructions() -> str:
    """Which of this processor's instructions multiply bytes: "avx512" (with VNNI), "avx2" or "plain"."""
    has = llvmlite.binding.get_host_cpu_features()
    if has.get("avx512f", False) and has.get("avx512vnni", False):
        return "avx512"
    return "avx2" if has.get("avx2", False) else "plain"


def compiled(function: Callable[..., Any]) -> Any:
    """`function` compiled when first called, kept on disk if there is a folder for that."""
    loose = {"nnan", "nsz", "contract", "reassoc"}
    try:
        return numba.njit(function, cache=True, nogil=True, fastmath=loose)
    except RuntimeError:  # nowhere to keep it
        return numba.njit(function, nogil=True, fastmath=loose)


def _everywhere(vector: Any, value: int) -> Any:
    return ir.Constant(vector, [value] * vector.count)


def _call(build: Any, name: str, result: Any, *arguments: Any) -> Any:
    known = build.module.globals.get(name)
    kind = ir.FunctionType(result, [each.type for each in arguments])
    return build.call(known or ir.Function(build.module, kind, name), arguments)


def _plus_products(build: Any, sums: Any, codes: Any, probe: Any) -> Any:
    """sums plus, in each of sixteen places, four products: unsigned bytes (below 49) times signed bytes."""
    if instructions() == "avx512":
        return _call(build, "llvm.x86.avx512.vpdpbusd.512", _SUMS, sums, codes, probe)
    bytes_ = ir.VectorType(_I8, 64)
    unsigned, signed = build.bitcast(codes, bytes_), build.bitcast(probe, bytes_)
    if instructions() == "avx2":
        words, halves = ir.VectorType(_I16, 16), []
        for first in (0, 32):
            half = ir.Constant(ir.VectorType(_I32, 32), list(range(first, first + 32)))
            ours, theirs = (build.shuffle_vector(each, each, half) for each in (unsigned, signed))
            pairs = _call(build, "llvm.x86.avx2.pmadd.ub.sw", words, ours, theirs)
            ones = _everywhere(words, 1)
            halves.append(_call(build, "llvm.x86.avx2.pmadd.wd", ir.VectorType(_I32, 8), pairs, ones))
        return build.add(sums, build.shuffle_vector(*halves, ir.Constant(_SUMS, list(range(16)))))
    wide = ir.VectorType(_I32, 64)
    products = build.mul(build.zext(unsigned, wide), build.sext(signed, wide))
    for first in range(4):
        quarter = ir.Constant(_SUMS, list(range(first, 64, 4)))
        sums = build.add(sums, build.shuffle_vector(products, products, quarter))
    return sums


@intrinsic
def _group_dots(typing: Any, codes: Any, start: Any, probe: Any, sums: Any, turns: Any) -> Any:
    """sums[:32] = the inner products of one group's brief codes, from byte `start` of `codes`, with `probe` (int8).

    Bits are not shifted down before they are multiplied: sums of 4 and of 16 times the products are kept apart.
    """
    signature = numba.types.void(codes, numba.types.intp, probe, sums, numba.types.intp)

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        def data(place: int) -> Any:
            return context.make_array(signature.args[place])(context, build, arguments[place]).data

        def number(value: int) -> Any:
            return ir.Constant(_I64, value)

        block, out = build.gep(data(0), [arguments[1]]), data(3)
        query = build.bitcast(data(2), _I32.as_pointer())
        before = build.block
        loop, done = build.function.append_basic_block("turn"), build.function.append_basic_block("done")
        build.branch(loop)
        build.position_at_end(loop)
        turn = build.phi(_I64)
        turn.add_incoming(number(0), before)
        totals = [build.phi(_SUMS) for _ in range(6)]  # for each half of the rows: once, 4 times and 16 times
        for total in totals:
            total.add_incoming(_everywhere(_SUMS, 0), before)
        new = list(totals)
        for half in range(2):
            at = build.gep(block, [build.add(build.mul(turn, number(4 * LANES)), number(2 * LANES * half))])
            both = build.load(build.bitcast(at, _SUMS.as_pointer()), align=1)
            for j in range(4):
                at = build.gep(query, [build.add(build.mul(turn, number(4)), number(j))])
                four = _splat(build, build.load(at, align=1), _SUMS)
                power = min(j, 2)
                mask = 0x03030303 << (2 * power)
                some = build.and_(build.lshr(both, _everywhere(_SUMS, 2)) if j == 3 else both, _everywhere(_SUMS, mask))
                new[3 * half + power] = _plus_products(build, new[3 * half + power], some, four)
        following = build.add(turn, number(1))
        turn.add_incoming(following, build.block)
        for total, value in zip(totals, new, strict=True):
            total.add_incoming(value, build.block)
        build.cbranch(build.icmp_signed("<", following, arguments[4]), loop, done)
        build.position_at_end(done)
        for half in range(2):
            once, fourfold, sixteenfold = new[3 * half : 3 * half + 3]
            fourfold = build.add(fourfold, build.ashr(sixteenfold, _everywhere(_SUMS, 2)))
            once = build.add(once, build.ashr(fourfold, _everywhere(_SUMS, 2)))
            at = build.bitcast(build.gep(out, [number(LANES // 2 * half)]), _SUMS.as_pointer())
            build.store(once, at, align=4)
        return context.get_dummy_value()

    return signature, generate


def _splat(build: Any, value: Any, vector: Any) -> Any:
    """`value` in every place of a vector of that type."""
    empty = ir.Constant(vector, ir.Undefined)
    first = build.insert_element(empty, value, ir.Constant(_I32, 0))
    return build.shuffle_vector(first, empty, _everywhere(ir.VectorType(_I32, vector.count), 0))


def _bounds(column: bool) -> Any:
    """Makes what gives one group's bounds, with a column that stays beside the codes or without.

    upper[:32] = what the brief codes allow each row to score, from sums[:32], their inner products. beside[:32] = what
    the column adds. The answer has a bit for each row whose bound is at least `floor`, the first row's the lowest.
    """

    def bounds(
        typing: Any, facts: Any, scales: Any, group: Any, terms: Any, slack: Any, tilt: Any, floor: Any, sums: Any,
        upper: Any, beside: Any,
    ) -> Any:  # fmt: skip
        single = numba.types.float32
        signature = numba.types.uint32(
            facts, scales, numba.types.intp, terms, single, single, single, sums, upper, beside
        )

        def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
            lanes = ir.VectorType(ir.FloatType(), LANES)
            loose = ("contract", "nsz")

            def data(place: int) -> Any:
                return context.make_array(signature.args[place])(context, build, arguments[place]).data

            def number(array: Any, place: Any) -> Any:
                return build.load(build.gep(array, [ir.Constant(_I64, place)]))

            def spread(value: Any) -> Any:
                return _splat(build, value, lanes)

            def plus(*values: Any) -> Any:
                total = values[0]
                for value in values[1:]:
                    total = build.fadd(total, value, flags=loose)
                return total

            def times(one: Any, other: Any) -> Any:
                return build.fmul(one, other, flags=loose)

            def told(which: int) -> Any:
                at = build.gep(ours, [ir.Constant(_I64, which * LANES)])
                codes = build.load(build.bitcast(at, ir.VectorType(_I8, LANES).as_pointer()), align=1)
                return build.uitofp(codes, lanes)

            group, slack, tilt, floor = (arguments[i] for i in (2, 4, 5, 6))
            ours = build.gep(data(0), [build.mul(group, ir.Constant(_I64, (2 + column) * LANES))])
            scale = build.gep(data(1), [build.mul(group, ir.Constant(_I64, (4 + column) * 2))])
            of_probe = data(3)
            rest = plus(times(number(scale, 1), number(of_probe, 3)), number(of_probe, 5))
            slacks = spread(slack)
            if column:
                beside = spread(times(number(of_probe, 12), number(scale, 8)))
                step = times(number(of_probe, 12), number(scale, 9))
                beside = plus(beside, times(spread(step), told(2)))
                build.store(beside, build.bitcast(data(9), lanes.as_pointer()), align=4)
                off = _call(build, "llvm.fabs.f32", ir.FloatType(), step)
                rest = plus(rest, times(off, ir.Constant(ir.FloatType(), 0.5001)))
                slacks = plus(slacks, times(spread(tilt), beside))
            products = build.load(build.bitcast(data(7), ir.VectorType(_I32, LANES).as_pointer()), align=4)
            products = build.fsub(build.sitofp(products, lanes), spread(number(of_probe, 1)), flags=loose)
            gain = [times(number(scale, i), number(of_probe, 0)) for i in range(2)]
            gains = plus(spread(gain[0]), times(spread(gain[1]), told(0)))
            residuals = plus(spread(number(scale, 2)), times(spread(number(scale, 3)), told(1)))
            made = plus(times(products, gains), times(residuals, slacks), spread(rest))
            if column:
                made = plus(made, beside)
            build.store(made, build.bitcast(data(8), lanes.as_pointer()), align=4)
            return build.bitcast(build.fcmp_ordered(">=", made, spread(floor)), _I32)

        return signature, generate

    return intrinsic(bounds)


_bounds_alone, _bounds_beside = _bounds(False), _bounds(True)


@intrinsic
def _lowest(typing: Any, bits: Any) -> Any:
    """The place of the lowest bit that is set; one is."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        return _call(build, "llvm.cttz.i32", _I32, arguments[0], ir.Constant(ir.IntType(1), 1))

    return numba.types.uint32(numba.types.uint32), generate


@intrinsic
def _fetch(typing: Any, array: Any, byte: Any) -> Any:
    """Begin to bring the cache line at that byte of `array` near."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        start = context.make_array(signature.args[0])(context, build, arguments[0]).data
        at = build.gep(build.bitcast(start, _I8.as_pointer()), [arguments[1]])
        hints = (ir.Constant(_I32, value) for value in (0, 3, 1))  # to read, keep in every cache, data
        _call(build, "llvm.prefetch.p0", ir.VoidType(), at, *hints)
        return context.get_dummy_value()

    return numba.types.void(array, numba.types.intp), generate


@intrinsic
def _bits_dot(typing: Any, bits: Any, start: Any, probe: Any, turns: Any) -> Any:
    """The sum of those numbers of `probe` (int8) whose bits are set, from byte `start` of `bits` (2-d, uint8) on."""
    signature = numba.types.int32(bits, numba.types.intp, probe, numba.types.intp)

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        ours, theirs = (context.make_array(signature.args[i])(context, build, arguments[i]).data for i in (0, 2))
        ours = build.gep(build.bitcast(ours, _I8.as_pointer()), [arguments[1]])
        ours, theirs = build.bitcast(ours, _I16.as_pointer()), build.bitcast(theirs, _I8.as_pointer())
        before = build.block
        loop, done = build.function.append_basic_block("turn"), build.function.append_basic_block("done")
        build.branch(loop)
        build.position_at_end(loop)
        turn, total = build.phi(_I64), build.phi(_SUMS)
        turn.add_incoming(ir.Constant(_I64, 0), before)
        total.add_incoming(_everywhere(_SUMS, 0), before)
        chosen = build.bitcast(build.load(build.gep(ours, [turn]), align=1), ir.VectorType(ir.IntType(1), 16))
        at = build.gep(theirs, [build.mul(turn, ir.Constant(_I64, STEP))])
        numbers = build.load(build.bitcast(at, ir.VectorType(_I8, 16).as_pointer()), align=1)
        new = build.add(total, build.select(chosen, build.sext(numbers, _SUMS), _everywhere(_SUMS, 0)))
        following = build.add(turn, ir.Constant(_I64, 1))
        turn.add_incoming(following, build.block)
        total.add_incoming(new, build.block)
        build.cbranch(build.icmp_signed("<", following, arguments[3]), loop, done)
        build.position_at_end(done)
        return _call(build, "llvm.vector.reduce.add.v16i32", _I32, new)

    return signature, generate


@compiled
def encode(turned: Any, clip: float, codes: Any, facts: Any, longest: Any) -> None:
    """Code rows `turned` (n, d) float32 with eight even levels, pairs of which are four; see `codes`.

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
        if step <= 0.0 or not math.isfinite(step):
            codes[i, :] = 0
            for which in range(2):
                facts[2 * which, i], facts[2 * which + 1, i] = 0.0, 0.0 if step == 0.0 else NO_BOUND
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
        whole = total * 1.000002  # never less than it is
        longest[2] = max(longest[2], math.sqrt(whole))
        for which in range(2):
            products, squares = (with_eight, eight) if which else (with_four, four)
            facts[2 * which, i] = whole / products
            left = whole * (whole * squares / products**2 - 1.0)
            facts[2 * which + 1, i] = math.sqrt(max(left, 0.0)) * 1.000001
            longest[which] = max(longest[which], whole / products * math.sqrt(squares) * 1.000001)


@compiled
def sift(
    brief: Any, facts: Any, scales: Any, rows: Any, alive: Any, numbers: Any, probe: Any, terms: Any,
    first: int, last: int, end: int, offset: int, heap: Any, places: Any, scores: Any, waiting: Any, dots: Any,
    uppers: Any, asides: Any, state: Any, floors: Any, me: int,
) -> int:  # fmt: skip
    """Look at the rows of groups `first` to `last` - 1 by their brief codes, and at uncoded ones from there to `end`.

    Rows that are estimated to be hits are computed soon, which raises the floor for those that follow; rows that may be
    hits have to wait for `settle`. brief (a row of bytes for a group), facts, scales: of `codes.Codes`. numbers: (d,)
    int8, the coded probe. terms: `codes.terms`. offset: added to the places that are noted. heap: as long as the
    search's limit. places, scores: of what may be a hit. waiting, dots, uppers, asides: rows that wait, their codes'
    inner products, their bounds, and what a column that stays adds to these. state: how many are in the heap, noted,
    waiting, looked at more finely, computed. floors: what a float32 score needs at least, by thread; `me` is whose turn
    this is. The answer is the group that is to be looked at next: `last`, or before if no more can wait; -1 if no more
    can be noted.
    """
    every = brief.reshape(-1)
    block = brief.shape[1]
    turns = numbers.shape[0] // STEP
    sums = np.empty(LANES, np.int32)
    upper = np.empty(LANES, np.float32)
    beside = np.zeros(LANES, np.float32)
    likely = np.empty(_NEAR + LANES, np.int64)
    hits = 0
    column, dimension = terms.shape[0] > _ALONE, rows.shape[1]
    count = state[2]
    floor = floors.max()
    slack, tilt = _slack(terms, floor)
    group = first
    while group < last and count + LANES <= waiting.shape[0]:
        _group_dots(every, group * block, numbers, sums, turns)  # type: ignore[call-arg]
        if column:
            reaching = _bounds_beside(facts, scales, group, terms, slack, tilt, floor, sums, upper, beside)
        else:
            reaching = _bounds_alone(facts, scales, group, terms, slack, tilt, floor, sums, upper, beside)
        while reaching != 0:
            lane = np.int64(_lowest(reaching))
            reaching &= reaching - np.uint32(1)
            bound, place = upper[lane], group * LANES + lane
            residual = scales[group, 1, 0] + scales[group, 1, 1] * np.float32(facts[group, 1, lane])
            if bound - residual * (slack + tilt * beside[lane]) >= floor:
                likely[hits] = place
                hits += 1
                for line in range(0, min(4 * dimension, 1024), 64):
                    _fetch(rows, 4 * dimension * place + line)
            else:
                waiting[count], dots[count], uppers[count], asides[count] = place, sums[lane], bound, beside[lane]
                count += 1
        if hits >= _NEAR:
            if not _compute(
                rows, alive, probe, likely, hits, offset, terms[7], heap, places, scores, state, floors, me
            ):
                return -1
            hits = 0
            floor = floors.max()
            slack, tilt = _slack(terms, floor)
        group += 1
    state[2] = count
    if not _compute(rows, alive, probe, likely, hits, offset, terms[7], heap, places, scores, state, floors, me):
        return -1
    if group == last:
        for place in range(last * LANES, end):
            likely[0] = place
            if not _compute(rows, alive, probe, likely, 1, offset, terms[7], heap, places, scores, state, floors, me):
                return -1
    return group


@compiled
def _slack(terms: Any, floor: Any) -> tuple[Any, Any]:
    """t |p'| of a row that scores `floor` or more, since so much of the probe lies along it; and how that rises with b.

    b: what a column that stays adds to the row's score. t |p'| is concave in b, so its tangent at 0 is never below. It
    is flattened where it would be too steep.
    """
    along = min(max(floor - terms[10], np.float32(0)) * terms[11], np.float32(0.9) * math.sqrt(terms[9]))
    across = np.float32(math.sqrt(terms[9] - along * along))
    return terms[8] * across, terms[8] * along * terms[11] / across


@compiled
def settle(
    fine: Any, facts: Any, scales: Any, rows: Any, alive: Any, numbers: Any, probe: Any, terms: Any, start: int,
    stop: int, offset: int, heap: Any, places: Any, scores: Any, waiting: Any, dots: Any, uppers: Any, asides: Any,
    state: Any, floors: Any, me: int,
) -> bool:  # fmt: skip
    """Compute those of the waiting rows `start` to `stop` - 1 whose fine codes leave them a chance. As for `sift`.

    False if no more can be noted.
    """
    scale, shift, reach, base = terms[0], terms[2], terms[4], terms[6]
    near = np.empty(_NEAR, np.int64)
    turns = numbers.shape[0] // STEP
    floor = floors.max()
    slack, tilt = _slack(terms, floor)
    fetched, at = start, start
    while at < stop:
        while fetched < stop and fetched < at + _AHEAD:
            if uppers[fetched] >= floor:
                _fetch(fine, waiting[fetched] * fine.shape[1])  # type: ignore[call-arg]
            fetched += 1
        kept = 0
        while at < fetched and kept < _NEAR:
            if uppers[at] >= floor:
                state[3] += 1
                place = waiting[at]
                group, lane = place // LANES, place % LANES
                bits: Any = _bits_dot(fine, place * fine.shape[1], numbers, turns)  # type: ignore[call-arg]
                step = scales[group, 2, 1]
                gain = scales[group, 2, 0] + step * np.float32(facts[group, 0, lane])
                residual = scales[group, 3, 0] + scales[group, 3, 1] * np.float32(facts[group, 1, lane])
                value = (np.float32(2 * dots[at] + bits) - shift) * (scale * gain) + asides[at]
                if value + (residual * (slack + tilt * asides[at]) + step * reach + base) >= floor:
                    near[kept] = place
                    kept += 1
            at += 1
        if kept > 0:
            if not _compute(rows, alive, probe, near, kept, offset, terms[7], heap, places, scores, state, floors, me):
                return False
            floor = floors.max()
            slack, tilt = _slack(terms, floor)
    return True


@compiled
def _compute(
    rows: Any, alive: Any, probe: Any, waiting: Any, count: int, offset: int, twice: Any,
    heap: Any, places: Any, scores: Any, state: Any, floors: Any, me: int,
) -> bool:  # fmt: skip
    """Compute the scores of the `count` waiting rows, note those that reach the floor, and raise it."""
    dimension = rows.shape[1]
    floor = floors.max()
    for i in range(count):
        for line in range(0, 4 * dimension, 64):
            _fetch(rows, 4 * dimension * waiting[i] + line)  # type: ignore[call-arg]
    for i in range(count):
        place = waiting[i]
        if not alive[place]:
            continue
        total = np.float32(0)
        for j in range(dimension):
            total += rows[place, j] * probe[j]
        state[4] += 1
        if total < floor:
            continue
        if state[1] == places.shape[0]:
            return False
        places[state[1]], scores[state[1]] = place + offset, total
        state[1] += 1
        state[0] = _pushed(heap, state[0], total)
        if state[0] == heap.shape[0]:
            floor = max(floor, heap[0] - twice)
            floors[me] = floor
    return True


@compiled
def _pushed(heap: Any, size: int, score: Any) -> int:
    """Put a score into the heap of the best (the least first); its size then."""
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

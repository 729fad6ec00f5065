"""The loops of the sieve, compiled by numba: nothing here allocates more than a few bytes or holds the GIL.

Rows lie in groups of LANES. A group's codes are one block: for each four dimensions 2 x LANES bytes, row after row, of
which byte b holds dimension b in its low and dimension 2 + b in its high half. So one instruction (AVX2's VPMADDUBSW)
multiplies sixteen rows' dimensions with the probe's; elsewhere LLVM makes what the processor has.
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
LEVELS = 16
STEP_DIMENSIONS = 16  # dimensions that one turn of the innermost loop takes

_I8, _I16, _I32, _I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_BYTES, _WORDS, _SUMS = ir.VectorType(_I8, 32), ir.VectorType(_I16, 16), ir.VectorType(_I32, 16)


def has_avx2() -> bool:
    """Whether this processor has the instruction that the codes are laid out for."""
    return bool(llvmlite.binding.get_host_cpu_features().get("avx2", False))


def compiled(function: Callable[..., Any]) -> Any:
    """`function` compiled when first called, kept on disk if there is a folder for that."""
    loose = {"nnan", "nsz", "contract", "reassoc"}
    try:
        return numba.njit(function, cache=True, nogil=True, fastmath=loose)
    except RuntimeError:  # nowhere to keep it
        return numba.njit(function, nogil=True, fastmath=loose)


def _multiply_add_pairs(build: Any, codes: Any, probe: Any) -> Any:
    """Sixteen sums of two products each: unsigned bytes times signed bytes, as 16-bit numbers (they fit)."""
    if has_avx2():
        name = "llvm.x86.avx2.pmadd.ub.sw"
        known = build.module.globals.get(name)
        call = known or ir.Function(build.module, ir.FunctionType(_WORDS, [_BYTES, _BYTES]), name)
        return build.call(call, [codes, probe])
    wide = ir.VectorType(_I16, 32)
    products = build.mul(build.zext(codes, wide), build.sext(probe, wide))
    nothing = ir.Constant(wide, ir.Undefined)
    halves = [
        build.shuffle_vector(products, nothing, ir.Constant(ir.VectorType(_I32, 16), list(range(first, 32, 2))))
        for first in (0, 1)
    ]
    return build.add(*halves)


@intrinsic
def _group_dots(typing: Any, codes: Any, start: Any, probe: Any, sums: Any, turns: Any) -> Any:
    """sums[:32] = the inner products of one group's codes, from byte `start` of `codes`, with `probe` (int8).

    One turn takes STEP_DIMENSIONS dimensions: eight sums of two products of at most 15 x 127 fit into 16 bits.
    """
    signature = numba.types.void(codes, numba.types.intp, probe, sums, numba.types.intp)

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        def data(place: int) -> Any:
            return context.make_array(signature.args[place])(context, build, arguments[place]).data

        def number(value: int) -> Any:
            return ir.Constant(_I64, value)

        def everywhere(vector: Any, value: int) -> Any:
            return ir.Constant(vector, [value] * vector.count)

        block, query, out = build.gep(data(0), [arguments[1]]), data(2), data(3)
        before = build.block
        loop, done = build.function.append_basic_block("turn"), build.function.append_basic_block("done")
        build.branch(loop)
        build.position_at_end(loop)
        turn = build.phi(_I64)
        turn.add_incoming(number(0), before)
        totals = [build.phi(_SUMS) for _ in range(2)]
        for total in totals:
            total.add_incoming(everywhere(_SUMS, 0), before)
        partial: list[Any] = [None, None]
        for part in range(STEP_DIMENSIONS // 4):
            four = build.add(build.mul(turn, number(STEP_DIMENSIONS // 4)), number(part))
            pairs = build.bitcast(build.gep(query, [build.mul(four, number(4))]), _I16.as_pointer())
            low, high = (_splat(build, build.load(build.gep(pairs, [number(i)]), align=2)) for i in range(2))
            for half in range(2):
                at = build.gep(block, [build.add(build.mul(four, number(2 * LANES)), number(LANES * half))])
                both = build.load(build.bitcast(at, _BYTES.as_pointer()), align=1)
                lows = build.and_(both, everywhere(_BYTES, 15))
                shifted = build.lshr(build.bitcast(both, _WORDS), everywhere(_WORDS, 4))
                highs = build.and_(build.bitcast(shifted, _BYTES), everywhere(_BYTES, 15))
                sums_here = build.add(_multiply_add_pairs(build, lows, low), _multiply_add_pairs(build, highs, high))
                known = partial[half]
                partial[half] = sums_here if known is None else build.add(known, sums_here)
        new = [build.add(totals[half], build.sext(partial[half], _SUMS)) for half in range(2)]
        following = build.add(turn, number(1))
        turn.add_incoming(following, build.block)
        for total, value in zip(totals, new, strict=True):
            total.add_incoming(value, build.block)
        build.cbranch(build.icmp_signed("<", following, arguments[4]), loop, done)
        build.position_at_end(done)
        for half in range(2):
            at = build.bitcast(build.gep(out, [number(LANES // 2 * half)]), _SUMS.as_pointer())
            build.store(new[half], at, align=4)
        return context.get_dummy_value()

    return signature, generate


def _splat(build: Any, pair: Any) -> Any:
    """Two signed bytes, sixteen times over."""
    empty = ir.Constant(_WORDS, ir.Undefined)
    first = build.insert_element(empty, pair, ir.Constant(_I32, 0))
    zeros = ir.Constant(ir.VectorType(_I32, 16), [0] * 16)
    return build.bitcast(build.shuffle_vector(first, empty, zeros), _BYTES)


@compiled
def encode(rows: Any, first: int, clip: float, codes: Any, gain: Any, residual: Any) -> None:
    """Code rows (n, d) float32 as the rows from `first` on: gain x (code - 7.5) + what is left, of norm `residual`.

    clip: where the range of the codes ends, in units of a row's root mean square. codes: (groups, d / 4, lanes, 2),
    of any number of lanes.
    """
    count, dimension = rows.shape
    lanes = codes.shape[2]
    for i in range(count):
        total = 0.0
        for j in range(dimension):
            total += float(rows[i, j]) ** 2
        step = 2.0 * clip / LEVELS * math.sqrt(total / dimension)
        group, lane = (first + i) // lanes, (first + i) % lanes
        if step <= 0.0 or not math.isfinite(step):
            gain[first + i], residual[first + i] = 0.0, 0.0 if step == 0.0 else math.inf
            codes[group, :, lane, :] = 0
            continue
        with_code = squares = 0.0
        for four in range(dimension // 4):
            for b in range(2):
                byte = 0
                for half in range(2):
                    value = float(rows[i, 4 * four + 2 * half + b])
                    code = min(max(math.floor(value / step) + LEVELS // 2, 0), LEVELS - 1)
                    byte |= code << (4 * half)
                    level = code - (LEVELS - 1) / 2
                    with_code += value * level
                    squares += level * level
                codes[group, four, lane, b] = byte
        scale = np.float32(with_code / squares)
        left = 0.0
        for four in range(dimension // 4):
            for b in range(2):
                byte = codes[group, four, lane, b]
                for half in range(2):
                    level = ((byte >> (4 * half)) & 15) - (LEVELS - 1) / 2
                    left += (float(rows[i, 4 * four + 2 * half + b]) - float(scale) * level) ** 2
        gain[first + i] = scale
        residual[first + i] = math.sqrt(left) * 1.000001


@compiled
def bounds(
    codes: Any, probe: Any, gain: Any, residual: Any, scale: Any, shift: Any, slack: Any, floor: Any,
    upper: Any, tops: Any,
) -> None:  # fmt: skip
    """upper[row] = gain x scale x (code . probe - shift) + residual x slack + floor; tops[group] = the group's largest.

    codes: one row of bytes per group. probe: (d,) int8. gain, residual, upper: one number per row, float32.
    """
    sums = np.empty(LANES, np.int32)
    best = np.empty(LANES // 2, np.float32)
    group_bytes = codes.shape[1]
    flat = codes.reshape(-1)
    turns = probe.shape[0] // STEP_DIMENSIONS
    for group in range(codes.shape[0]):
        _group_dots(flat, group * group_bytes, probe, sums, turns)  # type: ignore[call-arg]
        at = group * LANES
        for lane in range(LANES):
            upper[at + lane] = gain[at + lane] * ((np.float32(sums[lane]) - shift) * scale) + (
                residual[at + lane] * slack + floor
            )
        for lane in range(16):
            best[lane] = max(upper[at + lane], upper[at + lane + 16])
        for lane in range(8):
            best[lane] = max(best[lane], best[lane + 8])
        for lane in range(4):
            best[lane] = max(best[lane], best[lane + 4])
        tops[group] = max(max(best[0], best[1]), max(best[2], best[3]))


@compiled
def above(upper: Any, tops: Any, floor: Any, filled: int, places: Any) -> int:
    """Put the rows below `filled` whose bound is at least `floor` into `places`; how many there are.

    Stops when `places` is full.
    """
    found = 0
    for group in range(tops.shape[0]):
        if tops[group] >= floor:
            for row in range(group * LANES, min(group * LANES + LANES, filled)):
                if upper[row] >= floor:
                    if found == places.shape[0]:
                        return found
                    places[found] = row
                    found += 1
    return found


@compiled
def dots(rows: Any, places: Any, probe: Any, scores: Any) -> None:
    """scores[i] = rows[places[i]] . probe, in float32."""
    dimension = rows.shape[1]
    for i in range(places.shape[0]):
        place = places[i]
        total = np.float32(0)
        for j in range(dimension):
            total += rows[place, j] * probe[j]
        scores[i] = total

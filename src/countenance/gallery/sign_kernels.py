"""The loops of the sieve for long rows, compiled by numba. They need a processor with AVX2.

Signs: a group of LANES rows is one block; for each eight dimensions a byte per row, of which bit i is set where
dimension i is not negative. Four signs choose one of sixteen sums from a table made of the probe (VPSHUFB). Row codes:
sixteen levels as in `kernels`, one row after the other, to look at single rows.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba.extending import intrinsic

from countenance.gallery.kernels import LANES, compiled

COLUMN_DIMENSIONS = 8  # dimensions in one byte of signs
BLOCK_DIMENSIONS = 64  # dimensions in 32 bytes of row codes
TABLE_BYTES = 64  # of one column: two tables of sixteen sums, each twice

_I8, _I16, _I32, _I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_BYTES, _WORDS, _SUMS = ir.VectorType(_I8, 32), ir.VectorType(_I16, 16), ir.VectorType(_I32, 8)


def _number(value: int) -> Any:
    return ir.Constant(_I64, value)


def _everywhere(vector: Any, value: int) -> Any:
    return ir.Constant(vector, [value] * vector.count)


def _function(build: Any, name: str, result: Any, *arguments: Any) -> Any:
    known = build.module.globals.get(name)
    return known or ir.Function(build.module, ir.FunctionType(result, list(arguments)), name)


def _load(build: Any, start: Any, offset: Any) -> Any:
    """32 bytes, `offset` bytes after `start`."""
    return build.load(build.bitcast(build.gep(start, [offset]), _BYTES.as_pointer()), align=1)


def _halves(build: Any, both: Any) -> tuple[Any, Any]:
    """The low and the high four bits of each byte."""
    fifteen = _everywhere(_BYTES, 15)
    shifted = build.lshr(build.bitcast(both, _WORDS), _everywhere(_WORDS, 4))
    return build.and_(both, fifteen), build.and_(build.bitcast(shifted, _BYTES), fifteen)


def _loop(build: Any, turns: Any, starts: list[Any], body: Any) -> list[Any]:
    """Run body(turn, values) -> new values `turns` times (at least once) and give the last values."""
    before = build.block
    loop, done = build.function.append_basic_block("turn"), build.function.append_basic_block("done")
    build.branch(loop)
    build.position_at_end(loop)
    turn = build.phi(_I64)
    turn.add_incoming(_number(0), before)
    values = [build.phi(start.type) for start in starts]
    for value, start in zip(values, starts, strict=True):
        value.add_incoming(start, before)
    new = body(turn, values)
    following = build.add(turn, _number(1))
    turn.add_incoming(following, build.block)
    for value, update in zip(values, new, strict=True):
        value.add_incoming(update, build.block)
    build.cbranch(build.icmp_signed("<", following, turns), loop, done)
    build.position_at_end(done)
    return list(new)


@intrinsic
def _group_sums(typing: Any, codes: Any, start: Any, table: Any, sums: Any, columns: Any) -> Any:
    """sums[:32] (uint16) = what the table gives for one group's signs, from byte `start`: even rows, then odd ones.

    The tables hold at most 127, so that two sums fit into a byte.
    """
    signature = numba.types.void(codes, numba.types.intp, table, sums, numba.types.intp)

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        def data(place: int) -> Any:
            return context.make_array(signature.args[place])(context, build, arguments[place]).data

        block, tables, out = build.gep(data(0), [arguments[1]]), data(2), data(3)
        look_up = _function(build, "llvm.x86.avx2.pshuf.b", _BYTES, _BYTES, _BYTES)
        eight = _everywhere(_WORDS, 8)

        def add_column(column: Any, values: list[Any]) -> list[Any]:
            low, high = _halves(build, _load(build, block, build.mul(column, _number(32))))
            at = build.mul(column, _number(TABLE_BYTES))
            found = [
                build.call(look_up, [_load(build, tables, build.add(at, _number(32 * i))), half])
                for i, half in enumerate((low, high))
            ]
            pair = build.bitcast(build.add(*found), _WORDS)
            return [build.add(values[0], pair), build.add(values[1], build.lshr(pair, eight))]

        zeros = _everywhere(_WORDS, 0)
        mixed, odd = _loop(build, arguments[4], [zeros, zeros], add_column)
        even = build.sub(mixed, build.shl(odd, eight))  # the mixed sums hold 256 times the odd rows' too
        for at, values in ((0, even), (16, odd)):
            build.store(values, build.bitcast(build.gep(out, [_number(at)]), _WORDS.as_pointer()), align=2)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def _row_dot(typing: Any, codes: Any, start: Any, probe: Any, blocks: Any) -> Any:
    """The inner product of one row's levels, from byte `start` of `codes`, with `probe` (int8, low before high)."""
    signature = numba.types.int32(codes, numba.types.intp, probe, numba.types.intp)

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        def data(place: int) -> Any:
            return context.make_array(signature.args[place])(context, build, arguments[place]).data

        row, query = build.gep(data(0), [arguments[1]]), data(2)
        pairs = _function(build, "llvm.x86.avx2.pmadd.ub.sw", _WORDS, _BYTES, _BYTES)
        fours = _function(build, "llvm.x86.avx2.pmadd.wd", _SUMS, _WORDS, _WORDS)
        total = _function(build, "llvm.vector.reduce.add.v8i32", _I32, _SUMS)

        def add_block(block: Any, values: list[Any]) -> list[Any]:
            low, high = _halves(build, _load(build, row, build.mul(block, _number(32))))
            at = build.mul(block, _number(64))
            words = build.add(
                build.call(pairs, [low, _load(build, query, at)]),
                build.call(pairs, [high, _load(build, query, build.add(at, _number(32)))]),
            )
            return [build.add(values[0], build.call(fours, [words, _everywhere(_WORDS, 1)]))]

        (sums,) = _loop(build, arguments[3], [_everywhere(_SUMS, 0)], add_block)
        return build.call(total, [sums])

    return signature, generate


@compiled
def encode_signs(rows: Any, first: int, codes: Any, gain: Any, residual: Any) -> None:
    """The signs of rows (n, d) as the rows from `first` on. codes: (groups, d / 8, LANES).

    With n the row's norm and a the cosine between the row and its signs, gain = n / (a sqrt(d)) and
    residual = n sqrt(1 - a^2) / a.
    """
    count, dimension = rows.shape
    for i in range(count):
        group, lane = (first + i) // LANES, (first + i) % LANES
        squares = absolute = 0.0
        for column in range(dimension // COLUMN_DIMENSIONS):
            byte = 0
            for bit in range(COLUMN_DIMENSIONS):
                value = float(rows[i, COLUMN_DIMENSIONS * column + bit])
                squares += value * value
                absolute += abs(value)
                if value >= 0.0:
                    byte |= 1 << bit
            codes[group, column, lane] = byte
        if absolute > 0.0:
            gain[first + i] = squares / absolute
            residual[first + i] = np.sqrt(max(0.0, squares * dimension / (absolute * absolute) - 1.0) * squares)
        else:
            gain[first + i] = residual[first + i] = 0.0


@compiled
def sign_bounds(
    codes: Any, table: Any, gain: Any, residual: Any, scale: Any, shift: Any, slack: Any, floor: Any,
    upper: Any, tops: Any,
) -> None:  # fmt: skip
    """upper[row] = gain x scale x (table sums - shift) + residual x slack + floor; tops[group] = the group's largest.

    codes: one row of bytes per group. table: TABLE_BYTES per eight dimensions. The rest as for `kernels.bounds`.
    """
    sums = np.empty(LANES, np.uint16)
    best = np.empty(LANES // 2, np.float32)
    group_bytes = codes.shape[1]
    flat = codes.reshape(-1)
    columns = table.shape[0] // TABLE_BYTES
    for group in range(codes.shape[0]):
        _group_sums(flat, group * group_bytes, table, sums, columns)  # type: ignore[call-arg]
        for odd in range(2):
            at = group * LANES + odd
            for pair in range(16):
                row = at + 2 * pair
                upper[row] = gain[row] * ((np.float32(sums[16 * odd + pair]) - shift) * scale) + (
                    residual[row] * slack + floor
                )
        at = group * LANES
        for lane in range(16):
            best[lane] = max(upper[at + lane], upper[at + lane + 16])
        for lane in range(8):
            best[lane] = max(best[lane], best[lane + 8])
        for lane in range(4):
            best[lane] = max(best[lane], best[lane + 4])
        tops[group] = max(max(best[0], best[1]), max(best[2], best[3]))


@compiled
def row_bounds(
    codes: Any, places: Any, probe: Any, gain: Any, residual: Any, scale: Any, shift: Any, slack: Any, floor: Any,
    upper: Any,
) -> None:  # fmt: skip
    """upper[i] = the bound of row places[i] by its row codes (rows, d / 2): as for `kernels.bounds`."""
    row_bytes = codes.shape[1]
    flat = codes.reshape(-1)
    blocks = probe.shape[0] // BLOCK_DIMENSIONS
    for i in range(places.shape[0]):
        place = places[i]
        dot: Any = _row_dot(flat, place * row_bytes, probe, blocks)  # type: ignore[call-arg]
        upper[i] = gain[place] * ((np.float32(dot) - shift) * scale) + (residual[place] * slack + floor)

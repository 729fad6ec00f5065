"""What the kernels need of the processor and Python cannot express, as functions for numba, written for LLVM.

tests/unit/gallery/search/reference.py computes the same in NumPy, and tests compare the two.

Brief codes lie in groups of LANES rows. A group's codes are one block: for each STEP dimensions four bytes a row, row
after row, of which byte b holds dimension 4 j + b in its bits 2 j and 2 j + 1. So one instruction (AVX-512's VPDPBUSD)
multiplies sixteen rows' dimensions with the probe's; on other processors LLVM uses what they have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding  # type: ignore[import-untyped]
import numba
from llvmlite import ir
from numba.extending import intrinsic

LANES = 32
STEP = 16
"""Dimensions in one pass of the innermost loop."""
WIDTH = 64
"""Rows are coded in a multiple of this many dimensions: fine codes are read this many bits at a time."""

_AHEAD = 8192  # bytes of brief codes that are fetched while those before them are read
_I8, _I16, _I32, _I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_SUMS = ir.VectorType(_I32, 16)


def native(make: Callable[..., Any]) -> Any:
    """Make numba's intrinsic: its arguments are those after the first, which mypy does not know."""
    return intrinsic(make)


def instructions() -> str:
    """Which instructions multiply bytes: "avx512" (with VNNI), "avx2" or "plain".

    It is the processor that numba compiles for: this one, or the one that NUMBA_CPU_NAME and NUMBA_CPU_FEATURES name.
    NUMBA_CPU_NAME=generic NUMBA_CPU_FEATURES= forces "plain".
    """
    given = numba.core.config.CPU_FEATURES  # type: ignore[attr-defined]
    if given is None:
        has = {name for name, present in llvmlite.binding.get_host_cpu_features().items() if present}
    else:
        has = {name.strip()[1:] for name in given.split(",") if name.strip().startswith("+")}
    if {"avx512f", "avx512vnni"} <= has:
        return "avx512"
    return "avx2" if "avx2" in has else "plain"


def _everywhere(vector: Any, value: int) -> Any:
    return ir.Constant(vector, [value] * vector.count)


def call(build: Any, name: str, result: Any, *arguments: Any) -> Any:
    """The result of a function that LLVM knows by that name."""
    known = build.module.globals.get(name)
    kind = ir.FunctionType(result, [each.type for each in arguments])
    return build.call(known or ir.Function(build.module, kind, name), arguments)


def _prefetch(build: Any, at: Any) -> None:
    hints = (ir.Constant(_I32, value) for value in (0, 3, 1))  # to read, keep in every cache, data
    call(build, "llvm.prefetch.p0", ir.VoidType(), at, *hints)


def _plus_products(build: Any, sums: Any, codes: Any, probe: Any) -> Any:
    """`sums` plus, in each of sixteen places, four products: unsigned bytes (below 49 for AVX2) times signed ones."""
    if instructions() == "avx512":
        return call(build, "llvm.x86.avx512.vpdpbusd.512", _SUMS, sums, codes, probe)
    bytes_ = ir.VectorType(_I8, 64)
    unsigned, signed = build.bitcast(codes, bytes_), build.bitcast(probe, bytes_)
    if instructions() == "avx2":
        words, halves = ir.VectorType(_I16, 16), []
        for first in (0, 32):
            half = ir.Constant(ir.VectorType(_I32, 32), list(range(first, first + 32)))
            ours, theirs = (build.shuffle_vector(each, each, half) for each in (unsigned, signed))
            pairs = call(build, "llvm.x86.avx2.pmadd.ub.sw", words, ours, theirs)
            ones = _everywhere(words, 1)
            halves.append(call(build, "llvm.x86.avx2.pmadd.wd", ir.VectorType(_I32, 8), pairs, ones))
        return build.add(sums, build.shuffle_vector(*halves, ir.Constant(_SUMS, list(range(16)))))
    wide = ir.VectorType(_I32, 64)
    products = build.mul(build.zext(unsigned, wide), build.sext(signed, wide))
    for first in range(4):
        quarter = ir.Constant(_SUMS, list(range(first, 64, 4)))
        sums = build.add(sums, build.shuffle_vector(products, products, quarter))
    return sums


@native
def group_dots(typing: Any, codes: Any, start: Any, probe: Any, sums: Any, turns: Any) -> Any:
    """sums[:32] = the inner products of one group's brief codes, from byte `start` of `codes`, with `probe` (int8).

    Bits are not shifted down before they are multiplied: sums of 4, 16 and 64 times the products are kept apart.
    """
    signature = numba.types.void(codes, numba.types.intp, probe, sums, numba.types.intp)

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        def data(place: int) -> Any:
            return context.make_array(signature.args[place])(context, build, arguments[place]).data

        def number(value: int) -> Any:
            return ir.Constant(_I64, value)

        down = 0 if instructions() == "avx512" else 2  # so that the last products fit into AVX2's sixteen bits
        block, out = build.gep(data(0), [arguments[1]]), data(3)
        query = build.bitcast(data(2), _I32.as_pointer())
        before = build.block
        loop, done = build.function.append_basic_block("turn"), build.function.append_basic_block("done")
        build.branch(loop)
        build.position_at_end(loop)
        turn = build.phi(_I64)
        turn.add_incoming(number(0), before)
        totals = [build.phi(_SUMS) for _ in range(8)]  # for each half of the rows: once, 4 times, 16 and 64 times
        for total in totals:
            total.add_incoming(_everywhere(_SUMS, 0), before)
        new = list(totals)
        for half in range(2):
            at = build.gep(block, [build.add(build.mul(turn, number(4 * LANES)), number(2 * LANES * half))])
            both = build.load(build.bitcast(at, _SUMS.as_pointer()), align=1)
            _prefetch(build, build.gep(at, [number(_AHEAD)]))
            for j in range(4):
                at = build.gep(query, [build.add(build.mul(turn, number(4)), number(j))])
                four = splat(build, build.load(at, align=1), _SUMS)
                moved = build.lshr(both, _everywhere(_SUMS, down)) if j == 3 and down else both
                some = build.and_(moved, _everywhere(_SUMS, 0x03030303 << (2 * j - down * (j == 3))))
                new[4 * half + j] = _plus_products(build, new[4 * half + j], some, four)
        following = build.add(turn, number(1))
        turn.add_incoming(following, build.block)
        for total, value in zip(totals, new, strict=True):
            total.add_incoming(value, build.block)
        build.cbranch(build.icmp_signed("<", following, arguments[4]), loop, done)
        build.position_at_end(done)
        for half in range(2):
            once = new[4 * half + 3]
            for j, power in ((2, 2 - down), (1, 2), (0, 2)):
                once = build.add(new[4 * half + j], build.ashr(once, _everywhere(_SUMS, power)))
            at = build.bitcast(build.gep(out, [number(LANES // 2 * half)]), _SUMS.as_pointer())
            build.store(once, at, align=4)
        return context.get_dummy_value()

    return signature, generate


def splat(build: Any, value: Any, vector: Any) -> Any:
    """`value` in every place of a vector of that type."""
    empty = ir.Constant(vector, ir.Undefined)
    first = build.insert_element(empty, value, ir.Constant(_I32, 0))
    return build.shuffle_vector(first, empty, _everywhere(ir.VectorType(_I32, vector.count), 0))


def _bounds(column: bool) -> Any:
    """Makes the function for one group's bounds, with or without a column that is not rotated.

    upper[:32] = the highest score that the brief codes allow each row, from sums[:32], their inner products.
    beside[:32] = what the column adds. The result has two bits for each row, the first row's lowest: of the lower 32, a
    bit is set if the row's bound is at least `floor`; of the upper 32, if its estimate is.
    """

    def bounds(
        typing: Any, facts: Any, scales: Any, group: Any, terms: Any, slack: Any, tilt: Any, floor: Any, sums: Any,
        upper: Any, beside: Any,
    ) -> Any:  # fmt: skip
        single = numba.types.float32
        signature = numba.types.uint64(
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
                return splat(build, value, lanes)

            def plus(*values: Any) -> Any:
                total = values[0]
                for value in values[1:]:
                    total = build.fadd(total, value, flags=loose)
                return total

            def times(one: Any, other: Any) -> Any:
                return build.fmul(one, other, flags=loose)

            def codes_of(which: int) -> Any:
                at = build.gep(ours, [ir.Constant(_I64, which * LANES)])
                codes = build.load(build.bitcast(at, ir.VectorType(_I8, LANES).as_pointer()), align=1)
                return build.uitofp(codes, lanes)

            group, slack, tilt, floor = (arguments[i] for i in (2, 4, 5, 6))
            ours = build.gep(data(0), [build.mul(group, ir.Constant(_I64, (2 + column) * LANES))])
            scale = build.gep(data(1), [build.mul(group, ir.Constant(_I64, (2 + column) * 2))])
            of_probe = data(3)
            rest = plus(times(number(scale, 1), number(of_probe, 3)), number(of_probe, 6))
            slacks = spread(slack)
            if column:
                beside = spread(times(number(of_probe, 12), number(scale, 4)))
                step = times(number(of_probe, 12), number(scale, 5))
                beside = plus(beside, times(spread(step), codes_of(2)))
                build.store(beside, build.bitcast(data(9), lanes.as_pointer()), align=4)
                off = call(build, "llvm.fabs.f32", ir.FloatType(), step)
                rest = plus(rest, times(off, ir.Constant(ir.FloatType(), 0.5001)))
                slacks = plus(slacks, times(spread(tilt), beside))
            products = build.load(build.bitcast(data(7), ir.VectorType(_I32, LANES).as_pointer()), align=4)
            products = build.fsub(build.sitofp(products, lanes), spread(number(of_probe, 1)), flags=loose)
            gain = [times(number(scale, i), number(of_probe, 0)) for i in range(2)]
            gains = plus(spread(gain[0]), times(spread(gain[1]), codes_of(0)))
            residuals = plus(spread(number(scale, 2)), times(spread(number(scale, 3)), codes_of(1)))
            estimates = plus(times(products, gains), spread(rest))
            if column:
                estimates = plus(estimates, beside)
            made = plus(estimates, times(residuals, slacks))
            build.store(made, build.bitcast(data(8), lanes.as_pointer()), align=4)
            reaching, likely = (
                build.zext(build.bitcast(build.fcmp_ordered(">=", values, spread(floor)), _I32), _I64)
                for values in (made, estimates)
            )
            return build.or_(reaching, build.shl(likely, ir.Constant(_I64, LANES)))

        return signature, generate

    return native(bounds)


bounds_alone, bounds_beside = _bounds(False), _bounds(True)


def _keeping(column: bool) -> Any:
    """Makes the function that appends the rows of a group whose bits are set to the `count` waiting ones; it returns
    the new count.

    first: the place of the group's first row. sums, upper, beside: of all 32; beside only with a column that is not
    rotated. Up to 32 further places are overwritten. For AVX-512.
    """

    def keep(typing: Any, bits: Any, first: Any, sums: Any, upper: Any, beside: Any, waits: Any, count: Any) -> Any:
        number = numba.types.intp

        def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
            def array(place: int) -> Any:
                return context.make_array(signature.args[place])(context, build, arguments[place])

            def data(place: int) -> Any:
                return build.bitcast(array(place).data, _I32.as_pointer())

            bits, first, at, waiting = arguments[0], arguments[1], arguments[6], data(5)
            room = build.extract_value(array(5).shape, 1)
            for half in range(2):
                mask = build.trunc(build.lshr(bits, ir.Constant(_I32, 16 * half)), _I16)
                counted = ir.Constant(_SUMS, list(range(16 * half, 16 * half + 16)))
                noted = [build.add(splat(build, build.trunc(first, _I32), _SUMS), counted)]
                for place in (2, 3, 4) if column else (2, 3):
                    ours = build.gep(data(place), [ir.Constant(_I64, 16 * half)])
                    noted.append(build.load(build.bitcast(ours, _SUMS.as_pointer()), align=4))
                few = build.bitcast(mask, ir.VectorType(ir.IntType(1), 16))
                for i, some in enumerate(noted):
                    packed = call(build, "llvm.x86.avx512.mask.compress.v16i32", _SUMS, some, some, few)
                    theirs = build.gep(waiting, [build.add(build.mul(room, ir.Constant(_I64, i)), at)])
                    build.store(packed, build.bitcast(theirs, _SUMS.as_pointer()), align=4)
                at = build.add(at, build.zext(call(build, "llvm.ctpop.i16", _I16, mask), _I64))
            return at

        return number(numba.types.uint32, number, sums, upper, beside, waits, number), generate

    return native(keep)


keep_alone, keep_beside = _keeping(False), _keeping(True)


@native
def flags_set(typing: Any, flags: Any, start: Any) -> Any:
    """A bit for each of LANES flags from `start` on, the first flag in the lowest bit."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, build, arguments[0]).data
        lanes = ir.VectorType(_I8, LANES)
        at = build.gep(build.bitcast(data, _I8.as_pointer()), [arguments[1]])
        held = build.load(build.bitcast(at, lanes.as_pointer()), align=1)
        return build.bitcast(build.icmp_unsigned("!=", held, _everywhere(lanes, 0)), _I32)

    return numba.types.uint32(flags, numba.types.intp), generate


@native
def lowest(typing: Any, bits: Any) -> Any:
    """The place of the lowest bit that is set; at least one must be."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        return call(build, "llvm.cttz.i32", _I32, arguments[0], ir.Constant(ir.IntType(1), 1))

    return numba.types.uint32(numba.types.uint32), generate


@native
def fetch(typing: Any, array: Any, byte: Any) -> Any:
    """Begin to load the cache line at that byte of `array`."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        start = context.make_array(signature.args[0])(context, build, arguments[0]).data
        _prefetch(build, build.gep(build.bitcast(start, _I8.as_pointer()), [arguments[1]]))
        return context.get_dummy_value()

    return numba.types.void(array, numba.types.intp), generate


@native
def bits_dot(typing: Any, bits: Any, start: Any, probe: Any, turns: Any) -> Any:
    """The sum of those numbers of `probe` (int8) whose bits are set, from byte `start` of `bits` (uint8) on.

    turns: how many times WIDTH bits are read.
    """
    signature = numba.types.int32(bits, numba.types.intp, probe, numba.types.intp)

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        many = ir.VectorType(_I8, WIDTH)
        ours, theirs = (context.make_array(signature.args[i])(context, build, arguments[i]).data for i in (0, 2))
        ours = build.gep(build.bitcast(ours, _I8.as_pointer()), [arguments[1]])
        ours, theirs = build.bitcast(ours, _I64.as_pointer()), build.bitcast(theirs, many.as_pointer())
        before = build.block
        loop, done = build.function.append_basic_block("turn"), build.function.append_basic_block("done")
        build.branch(loop)
        build.position_at_end(loop)
        turn, total = build.phi(_I64), build.phi(_SUMS)
        turn.add_incoming(ir.Constant(_I64, 0), before)
        total.add_incoming(_everywhere(_SUMS, 0), before)
        chosen = build.bitcast(build.load(build.gep(ours, [turn]), align=1), ir.VectorType(ir.IntType(1), WIDTH))
        numbers = build.load(build.gep(theirs, [turn]), align=1)
        numbers = build.bitcast(build.select(chosen, numbers, _everywhere(many, 0)), _SUMS)
        new = _plus_products(build, total, build.bitcast(_everywhere(many, 1), _SUMS), numbers)
        following = build.add(turn, ir.Constant(_I64, 1))
        turn.add_incoming(following, build.block)
        total.add_incoming(new, build.block)
        build.cbranch(build.icmp_signed("<", following, arguments[3]), loop, done)
        build.position_at_end(done)
        return call(build, "llvm.vector.reduce.add.v16i32", _I32, new)

    return signature, generate


@native
def single(typing: Any, array: Any, byte: Any) -> Any:
    """The float32 at that byte of `array`."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        start = context.make_array(signature.args[0])(context, build, arguments[0]).data
        at = build.gep(build.bitcast(start, _I8.as_pointer()), [arguments[1]])
        return build.load(build.bitcast(at, ir.FloatType().as_pointer()), align=1)

    return numba.types.float32(array, numba.types.intp), generate


@native
def added(typing: Any, array: Any, place: Any, more: Any) -> Any:
    """The former number at that place of an int64 array, to which `more` is added atomically."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        start = context.make_array(signature.args[0])(context, build, arguments[0]).data
        return build.atomic_rmw("add", build.gep(start, [arguments[1]]), arguments[2], "seq_cst")

    return numba.types.int64(array, numba.types.intp, numba.types.int64), generate


@native
def pointer(typing: Any, address: Any) -> Any:
    """An address as a pointer."""

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        return build.inttoptr(arguments[0], _I8.as_pointer())

    return numba.types.voidptr(numba.types.int64), generate


give_way = numba.types.ExternalFunction("sched_yield", numba.types.int32())
"""Yield the processor to another thread, if one waits for it."""

_int, _address, _long = numba.types.int32, numba.types.voidptr, numba.types.int64
pread: Any = numba.types.ExternalFunction("pread", _long(_int, _address, _long, _long))
"""Read bytes of a file, from a place on; how many, or -1."""

posix_fadvise: Any = numba.types.ExternalFunction("posix_fadvise", _int(_int, _long, _long, _int))
"""Tell the system how that part of a file will be read."""

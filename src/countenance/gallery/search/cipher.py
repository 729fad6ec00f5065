"""ChaCha20 (RFC 8439) for the rows of a file, as a function for numba: sixteen blocks at once, one in each lane.

A row's words lie across the blocks: word 16 w + b of 256 is mixed with word w of block b, so that a row of 131 words
takes nine words of sixteen blocks, and nothing has to be transposed. Tests compare it with the `cryptography` package.
"""

from __future__ import annotations

from typing import Any

import numba
from llvmlite import ir  # type: ignore[import-untyped]

from countenance.gallery.search.intrinsics import call, native, splat

TURN = 256
"""Words of one call: sixteen blocks of sixteen."""

_I32, _I64 = ir.IntType(32), ir.IntType(64)
_BLOCKS = ir.VectorType(_I32, 16)
_CONSTANTS = (0x61707865, 0x3320646E, 0x79622D32, 0x6B206574)  # "expand 32-byte k"
_COLUMNS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15))
_DIAGONALS = ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))


@native
def keystream(typing: Any, key: Any, place: Any, turn: Any, out: Any) -> Any:
    """out[16 w + b] = word w of block 16 `turn` + b, of the key's eight words and the nonce (place, 0, 0)."""
    word = numba.types.uint32

    def generate(context: Any, build: Any, signature: Any, arguments: Any) -> Any:
        given, made = (context.make_array(signature.args[i])(context, build, arguments[i]).data for i in (0, 3))

        def number(value: int) -> Any:
            return ir.Constant(_I32, value)

        counters = build.add(
            splat(build, build.mul(arguments[2], number(16)), _BLOCKS), ir.Constant(_BLOCKS, list(range(16)))
        )
        begun = [splat(build, number(each), _BLOCKS) for each in _CONSTANTS]
        begun += [splat(build, build.load(build.gep(given, [ir.Constant(_I64, i)])), _BLOCKS) for i in range(8)]
        begun += [counters, splat(build, arguments[1], _BLOCKS), *[ir.Constant(_BLOCKS, [0] * 16)] * 2]
        state = list(begun)

        def mix(to: int, by: int, beside: int, bits: int) -> None:
            state[to] = build.add(state[to], state[by])
            changed = build.xor(state[beside], state[to])
            turned = ir.Constant(_BLOCKS, [bits] * 16)
            state[beside] = call(build, "llvm.fshl.v16i32", _BLOCKS, changed, changed, turned)

        for _ in range(10):
            for a, b, c, d in (*_COLUMNS, *_DIAGONALS):
                mix(a, b, d, 16)
                mix(c, d, b, 12)
                mix(a, b, d, 8)
                mix(c, d, b, 7)
        for w in range(16):
            at = build.bitcast(build.gep(made, [ir.Constant(_I64, 16 * w)]), _BLOCKS.as_pointer())
            build.store(build.add(state[w], begun[w]), at, align=4)
        return context.get_dummy_value()

    return numba.types.void(key, word, word, out), generate

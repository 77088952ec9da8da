"""Gaussian inputs of 64 bins at once, and compares of 64 numbers of 16 bits.

As in `stochnet.kernels.philox`, vectors are written out in plain LLVM IR. Products of pairs of
16-bit numbers, added in 32 bits, are one instruction on x86 and on ARM.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from stochnet.kernels.gaussian import DITHER_BITS, N_CELLS
from stochnet.kernels.philox import place_of, splat

_I16, _I32, _I64 = ir.IntType(16), ir.IntType(32), ir.IntType(64)
_SUMS, _PAIRS, _PRODUCTS = (
    ir.VectorType(_I32, 16),
    ir.VectorType(_I16, 32),
    ir.VectorType(_I32, 32),
)
_EVEN = ir.Constant(_SUMS, list(range(0, 32, 2)))
_ODD = ir.Constant(_SUMS, list(range(1, 32, 2)))
_NOTHING = ir.Constant(_PRODUCTS, ir.Undefined)


def _at(value: int) -> Any:
    return ir.Constant(_I64, value)


def _all(value: int) -> Any:
    return ir.Constant(_SUMS, [value] * 16)


def _add_products(builder: Any, total: Any, one: Any, other: Any) -> Any:
    """Add to 16 sums the products of two pairs each."""
    products = builder.mul(builder.sext(one, _PRODUCTS), builder.sext(other, _PRODUCTS))
    even = builder.shuffle_vector(products, _NOTHING, _EVEN)
    odd = builder.shuffle_vector(products, _NOTHING, _ODD)
    return builder.add(total, builder.add(even, odd))


def _cells(builder: Any, values: Any) -> Any:
    """Return `stochnet.kernels.gaussian.cell_of` of 16 inputs."""
    cell = builder.add(builder.ashr(values, _all(DITHER_BITS)), _all(N_CELLS // 2))
    cell = builder.select(builder.icmp_signed("<", cell, _all(0)), _all(0), cell)
    over = builder.icmp_signed(">", cell, _all(N_CELLS - 1))
    return builder.trunc(builder.select(over, _all(N_CELLS - 1), cell), ir.VectorType(_I16, 16))


@intrinsic
def input_cells(typing, latents, l, loadings, i, n_pairs, base, b, start, cells, c):  # type: ignore[no-untyped-def]  # noqa: E741
    """Find the entries of Φ of 64 bins: ``cells[c:c+64]``, uint16.

    The input of bin t is ``start + base[b + t]`` (int32) and the sum over pairs r of
    ``loadings[i + 2r] latents[l + 128r + 2t]`` and ``loadings[i + 2r + 1] latents[l + 128r + 2t +
    1]`` (int16), modulo 2**32.
    """
    at = types.int64
    signature = types.void(
        latents, at, loadings, at, at, base, at, types.int32, cells, at
    )  # fmt: skip

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def place(which: int, offset: Any, vector: Any) -> Any:
            return place_of(context, builder, signature.args[which], args[which], offset, vector)

        def load(which: int, offset: Any, vector: Any, align: int) -> Any:
            value = builder.load(place(which, offset, vector))
            value.align = align
            return value

        start = splat(builder, args[7], 16)
        sums = [cgutils.alloca_once(builder, _SUMS) for _ in range(4)]
        for k, total in enumerate(sums):
            base = load(5, builder.add(args[6], _at(16 * k)), _SUMS, 4)
            builder.store(builder.add(start, base), total)
        with cgutils.for_range(builder, args[4]) as loop:
            two = builder.add(args[3], builder.mul(loop.index, _at(2)))
            pair = load(2, two, _I32, 2)
            pairs = builder.bitcast(splat(builder, pair, 16), _PAIRS)
            row = builder.add(args[1], builder.mul(loop.index, _at(128)))
            for k, total in enumerate(sums):
                some = load(0, builder.add(row, _at(32 * k)), _PAIRS, 2)
                builder.store(_add_products(builder, builder.load(total), some, pairs), total)
        for k, total in enumerate(sums):
            found = _cells(builder, builder.load(total))
            target = place(8, builder.add(args[9], _at(16 * k)), found.type)
            builder.store(found, target).align = 2
        return context.get_dummy_value()

    return signature, generate


def _compare(operator: str) -> Any:
    @intrinsic
    def compare(typing, words, position, others, place):  # type: ignore[no-untyped-def]
        signature = types.uint64(words, types.int64, others, types.int64)

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            vector = ir.VectorType(_I16, 64)
            loaded = []
            for k in (0, 2):
                value = builder.load(
                    place_of(context, builder, signature.args[k], args[k], args[k + 1], vector)
                )
                value.align = 2
                loaded.append(value)
            return builder.bitcast(builder.icmp_unsigned(operator, *loaded), _I64)

        return signature, generate

    return compare


halves_below_each = _compare("<")
"""``halves_below_each(words, i, others, j)``: bit b is set if the b-th 16 bits of ``words[i:i+16]``
(uint64) are below ``others[j + b]`` (uint16)."""
halves_equal_each = _compare("==")
"""``halves_equal_each(words, i, others, j)``: alike, for equality."""

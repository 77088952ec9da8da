"""Philox in vector lanes, and compares of 64 bytes at once.

LLVM vectors are written out because the automatic vectoriser leaves a factor of two to four on the
table. They are plain LLVM IR: every target lowers them to what it has.
"""

from __future__ import annotations

import functools
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from stochnet.kernels import rng
from stochnet.kernels.binding import Binding

philox = numba.njit(nogil=True)(rng.philox)
gain_level = numba.njit(nogil=True)(rng.gain_level)
geometric_gap = Binding(numba.njit(nogil=True, error_model="numpy"))(rng.geometric_gap)

_I8, _I32, _I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)


def splat(builder: Any, value: Any, lanes: int) -> Any:
    """Emit a vector that holds one value in all its lanes."""
    vector = ir.VectorType(value.type, lanes)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(_I32, 0))
    zeros = ir.Constant(ir.VectorType(_I32, lanes), [0] * lanes)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), zeros)


def place_of(
    context: Any, builder: Any, array_type: Any, array: Any, offset: Any, vector: Any
) -> Any:
    """Emit the place of an element of an array, as a pointer to a vector."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [offset]), vector.as_pointer())


@functools.cache
def lanes(n: int, *, many_nodes: bool = False) -> Any:
    """Return a compiled function that draws `n` counters at once.

    ``draw(out, o, first, second, c, node, purpose, k0, k1)`` takes the first two counter words
    from ``first[c:c+n]`` and ``second[c:c+n]`` (uint64) and stores the four output words of each
    counter, in order, as two uint64 (little-endian pairs) at ``out[o:o+2n]``. With `many_nodes`,
    node is an array like `first` and `second`.
    """

    @intrinsic
    def draw(typing, out, o, first, second, c, node, purpose, k0, k1):  # type: ignore[no-untyped-def]
        u = types.uint64
        third = node if many_nodes else u
        signature = types.void(out, types.int64, first, second, types.int64, third, u, u, u)

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            vector = ir.VectorType(_I64, n)

            def constant(value: int) -> Any:
                return ir.Constant(vector, [value] * n)

            def load(which: int) -> Any:
                pointer = place_of(
                    context, builder, signature.args[which], args[which], args[4], vector
                )
                value = builder.load(pointer)
                value.align = 8
                return value

            low, half = constant(0xFFFFFFFF), constant(32)
            c0, c1 = load(2), load(3)
            c2 = load(5) if many_nodes else splat(builder, args[5], n)
            c3 = splat(builder, args[6], n)
            key0, key1 = args[7], args[8]
            mask = ir.Constant(_I64, 0xFFFFFFFF)
            for _ in range(10):
                p0 = builder.mul(builder.and_(c0, low), constant(0xD2511F53))
                p1 = builder.mul(builder.and_(c2, low), constant(0xCD9E8D57))
                x0 = builder.xor(builder.lshr(p1, half), c1)
                x2 = builder.xor(builder.lshr(p0, half), c3)
                c0 = builder.xor(x0, splat(builder, key0, n))
                c2 = builder.xor(x2, splat(builder, key1, n))
                # Upper halves may hold junk here; they are masked before they are multiplied.
                c1, c3 = builder.and_(p1, low), builder.and_(p0, low)
                key0 = builder.and_(builder.add(key0, ir.Constant(_I64, 0x9E3779B9)), mask)
                key1 = builder.and_(builder.add(key1, ir.Constant(_I64, 0xBB67AE85)), mask)
            pair0 = builder.or_(builder.and_(c0, low), builder.shl(c1, half))
            pair1 = builder.or_(builder.and_(c2, low), builder.shl(c3, half))
            order = [i // 2 + n * (i % 2) for i in range(2 * n)]
            woven = builder.shuffle_vector(
                pair0, pair1, ir.Constant(ir.VectorType(_I32, 2 * n), order)
            )
            target = place_of(
                context, builder, signature.args[0], args[0], args[1], ir.VectorType(_I64, 2 * n)
            )
            builder.store(woven, target).align = 8
            return context.get_dummy_value()

        return signature, generate

    return draw


def _bits(builder: Any, operator: str, one: Any, other: Any) -> Any:
    return builder.bitcast(builder.icmp_unsigned(operator, one, other), _I64)


def _load_bytes(context: Any, builder: Any, array_type: Any, array: Any, offset: Any) -> Any:
    pointer = place_of(context, builder, array_type, array, offset, ir.VectorType(_I8, 64))
    value = builder.load(pointer)
    value.align = 1
    return value


def _compare(operator: str) -> Any:
    @intrinsic
    def compare(typing, words, position, byte):  # type: ignore[no-untyped-def]
        signature = types.uint64(words, types.int64, types.uint64)

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            loaded = _load_bytes(context, builder, signature.args[0], args[0], args[1])
            other = splat(builder, builder.trunc(args[2], _I8), 64)
            return _bits(builder, operator, loaded, other)

        return signature, generate

    return compare


def _compare_each(operator: str) -> Any:
    @intrinsic
    def compare(typing, words, position, others, place):  # type: ignore[no-untyped-def]
        signature = types.uint64(words, types.int64, others, types.int64)

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            loaded = _load_bytes(context, builder, signature.args[0], args[0], args[1])
            other = _load_bytes(context, builder, signature.args[2], args[2], args[3])
            return _bits(builder, operator, loaded, other)

        return signature, generate

    return compare


bytes_below = _compare("<")
"""``bytes_below(words, i, byte)``: bit b is set if byte b of ``words[i:i+8]`` is below `byte`."""
bytes_equal = _compare("==")
"""``bytes_equal(words, i, byte)``: bit b is set if byte b of ``words[i:i+8]`` equals `byte`."""
bytes_below_each = _compare_each("<")
"""``bytes_below_each(words, i, others, j)``: alike, against byte j + b of the bytes `others`."""
bytes_equal_each = _compare_each("==")
"""``bytes_equal_each(words, i, others, j)``: alike, for equality."""


def _bit_intrinsic(emit: Any) -> Any:
    @intrinsic
    def count(typing, word):  # type: ignore[no-untyped-def]
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return emit(builder, args[0])

        return types.int64(types.uint64), generate

    return count


popcount = _bit_intrinsic(lambda builder, word: builder.ctpop(word))
"""Number of set bits of a uint64."""
trailing_zeros = _bit_intrinsic(
    lambda builder, word: builder.cttz(word, ir.Constant(ir.IntType(1), 1))
)
"""Position of the lowest set bit of a uint64 that is not zero."""
leading_zeros = _bit_intrinsic(
    lambda builder, word: builder.ctlz(word, ir.Constant(ir.IntType(1), 1))
)
"""Zeros above the highest set bit of a uint64 that is not zero."""

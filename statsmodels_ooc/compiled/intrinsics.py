"""Pointers, calls of addresses, and minima and maxima of several values at a time."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_NOT_NAN = ("nnan", "nsz")


@intrinsic
def pointer(typingctx: Any, address: Any) -> Any:
    """The pointer to an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(types.voidptr))

    return types.voidptr(types.int64), generate


@intrinsic
def call(
    typingctx: Any,
    address: Any,
    rule: Any,
    y: Any,
    eta: Any,
    a: Any,
    weight: Any,
    score: Any,
    totals: Any,
    n: Any,
    q: Any,
) -> Any:
    """What the function at an address returns for seven pointers and two integers."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer, number = context.get_value_type(types.voidptr), arguments[0].type
        function = ir.FunctionType(number, [pointer] * 7 + [number] * 2)
        there = builder.inttoptr(arguments[0], function.as_pointer())
        pointers = [builder.inttoptr(one, pointer) for one in arguments[1:8]]
        return builder.call(there, [*pointers, *arguments[8:]])

    return types.int64(*[types.int64] * 10), generate


def _first_where(comparison: str) -> Any:
    """Of two doubles, neither of them NaN, the first where it compares so, or the other one.

    LLVM makes loops of several values at a time of these, but not of what Python would write.
    """

    @intrinsic
    def function(typingctx: Any, a: Any, b: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, pair: Any) -> Any:
            is_first = builder.fcmp_ordered(comparison, *pair, flags=_NOT_NAN)
            return builder.select(is_first, *pair, flags=_NOT_NAN)

        return types.float64(types.float64, types.float64), generate

    return function


smaller, larger = _first_where("<"), _first_where(">")

"""numba's decorator with the types of what it decorates."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def njit(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """`function`, compiled when first called."""
    return cast(Callable[Parameters, Result], numba.njit(function))

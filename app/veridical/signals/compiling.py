"""Loops that numpy cannot say, compiled."""

import contextlib
from collections.abc import Callable
from typing import TypeVar

_Kernel = TypeVar("_Kernel", bound=Callable[..., None])


def compiled(kernel: _Kernel) -> _Kernel:
    """Compile a loop over arrays: seconds the first time, then it comes from a cache on the disk.

    It does not hold the interpreter's lock, so that several run at once.

    Raises
    ------
    ImportError
        If there is no numba for this interpreter.
    """
    import numba

    # Beside the source, else in the user's cache; where neither can be written it is compiled at every start.
    with contextlib.suppress(RuntimeError):
        cached: _Kernel = numba.njit(cache=True, nogil=True)(kernel)
        return cached
    fresh: _Kernel = numba.njit(nogil=True)(kernel)
    return fresh

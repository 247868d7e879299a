"""The few functions of the library itself that pylsl wraps not at all, or too slowly for a recorder."""

import ctypes
from collections.abc import Callable
from typing import Any

import pylsl
from pylsl.lib import lib

# A handle of its own leaves pylsl's types alone.
_library = ctypes.CDLL(lib._name)

_double, _int, _ulong, _pointer = ctypes.c_double, ctypes.c_int32, ctypes.c_ulong, ctypes.c_void_p
_NO_ERROR, _TIMEOUT_ERROR, _LOST_ERROR = 0, -1, -2


def _declare(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    function = getattr(_library, name)
    function.restype = result
    function.argtypes = arguments
    return function  # type: ignore[no-any-return]


_PULL = (_pointer, _pointer, _pointer, _ulong, _ulong, _double, _pointer)
# Also where pylsl has none: it refuses int64 on Windows, the library does not.
PULL_CHUNK = {
    "float32": _declare("lsl_pull_chunk_f", _ulong, *_PULL),
    "double64": _declare("lsl_pull_chunk_d", _ulong, *_PULL),
    "int8": _declare("lsl_pull_chunk_c", _ulong, *_PULL),
    "int16": _declare("lsl_pull_chunk_s", _ulong, *_PULL),
    "int32": _declare("lsl_pull_chunk_i", _ulong, *_PULL),
    "int64": _declare("lsl_pull_chunk_l", _ulong, *_PULL),
}
PULL_STRINGS = _declare("lsl_pull_chunk_buf", _ulong, *_PULL[:2], *_PULL[1:])
SAMPLES_AVAILABLE = _declare("lsl_samples_available", ctypes.c_uint32, _pointer)
DESTROY_STRING = _declare("lsl_destroy_string", None, _pointer)
TIME_CORRECTION_EX = _declare("lsl_time_correction_ex", _double, _pointer, _pointer, _pointer, _double, _pointer)
RESOLVER_RESULTS = _declare("lsl_resolver_results", _int, _pointer, _pointer, ctypes.c_uint32)
GET_UID = _declare("lsl_get_uid", ctypes.c_char_p, _pointer)
DESTROY_INFO = _declare("lsl_destroy_streaminfo", None, _pointer)
WAS_CLOCK_RESET = _declare("lsl_was_clock_reset", ctypes.c_uint32, _pointer)


def check(error: ctypes.c_int32) -> None:
    """Raise what pylsl would: TimeoutError of pylsl, or RuntimeError if the stream is lost."""
    if error.value == _NO_ERROR:
        return
    if error.value == _TIMEOUT_ERROR:
        raise pylsl.util.TimeoutError("the operation timed out")
    if error.value == _LOST_ERROR:
        raise pylsl.util.LostError("the stream is lost")
    raise pylsl.util.InternalError(f"the library reports error {error.value}")

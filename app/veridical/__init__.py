"""Veridical: affective pictures, ratings and physiology in one place, validated honestly.

The names below load on first use, so that ``import veridical`` stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from veridical.learning.validation import validate
    from veridical.services.auditing import audit_model
    from veridical.services.study import open_study
    from veridical.services.training import train_model
    from veridical.storage.xdf_reader import read_xdf

__all__ = ["audit_model", "open_study", "read_xdf", "train_model", "validate"]

_HOMES = {
    "audit_model": "veridical.services.auditing",
    "open_study": "veridical.services.study",
    "read_xdf": "veridical.storage.xdf_reader",
    "train_model": "veridical.services.training",
    "validate": "veridical.learning.validation",
}


def __getattr__(name: str) -> Any:
    """Import the module that holds ``name`` and hand the object out."""
    if name not in _HOMES:
        raise AttributeError(f"module 'veridical' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

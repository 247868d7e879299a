"""Roles without which a study's session does not begin."""

from veridical.domain.stream import ROLES, Role
from veridical.domain.study import StudySettings
from veridical.features.views import needed_modalities


def required_roles(settings: StudySettings) -> tuple[Role, ...]:
    """Return what study.toml requires; ``features`` stands for what the primary analysis learns from."""
    named: set[Role] = {r for r in settings.recording.required if r != "features"}
    if "features" in settings.recording.required:
        named |= set(needed_modalities(settings.analysis.pipeline, settings.protocol.picture_s))
    return tuple(r for r in ROLES if r in named)

"""Roles without which a study's session does not begin."""

from veridical.domain.stream import ROLES, Role
from veridical.domain.study import StudySettings
from veridical.features.table import EVOKED, NAMED_FEATURES, FeatureDefinition


def required_roles(settings: StudySettings) -> tuple[Role, ...]:
    """Return what study.toml requires; ``features`` stands for what the primary analysis computes its features from.

    Of the named features those count whose windows the protocol's pictures leave room for: a skin response that no
    picture is long enough for needs no electrodes.
    """
    named: set[Role] = {r for r in settings.recording.required if r != "features"}
    if "features" in settings.recording.required:
        used: tuple[FeatureDefinition, ...] = (EVOKED,)
        if settings.analysis.pipeline == "interpretable":
            picture_s = settings.protocol.picture_s
            used = tuple(d for d in NAMED_FEATURES if d.is_evidence and d.needs_picture_s <= picture_s)
        named |= {d.modality for d in used}
    return tuple(r for r in ROLES if r in named)

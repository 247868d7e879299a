"""Keeps who plays what with the study."""

from collections.abc import Sequence
from dataclasses import replace

from veridical.domain.stream import RoleAssignment
from veridical.services.study import Study, open_study
from veridical.storage.study_file import edit_study_file


def remember_roles(study: Study, roles: Sequence[RoleAssignment]) -> Study:
    """Write the roles into study.toml and return the study as it is then; comments and other settings stay.

    Decisions on devices that are not among ``roles`` are replaced too: the table that a person sees is the whole.

    Raises
    ------
    StudyError, StorageError
        If study.toml is damaged or cannot be written.
    """
    before = study.settings
    after = replace(before, roles=tuple(roles))
    if after != before:
        edit_study_file(study.paths.study_file, before, after)
    return open_study(study.root)

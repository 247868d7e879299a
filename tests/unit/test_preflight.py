"""What a session waits for: roles that its features need, and pictures that are as they were."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from veridical.domain.errors import StimulusError
from veridical.domain.pipeline import PipelineName
from veridical.domain.protocol import Protocol
from veridical.domain.stimulus import Stimulus
from veridical.domain.stream import Role
from veridical.domain.study import AnalysisChoices, RecordingChoices, StudySettings
from veridical.services.preflight import check_stimuli
from veridical.services.required_roles import required_roles
from veridical.services.verified_files import VerifiedFiles
from veridical.storage.study_file import parse_study, read_study_file, write_study_file


@pytest.mark.parametrize(
    ("pipeline", "picture_s", "roles"),
    [
        ("evoked", 6.0, ("EEG",)),
        ("interpretable", 6.0, ("EEG", "EDA", "ECG")),
        # Skin responses need 4 s of picture; heart rate's first half second and the late potential need less.
        ("interpretable", 2.0, ("EEG", "ECG")),
    ],
)
def test_a_study_requires_the_roles_of_its_features(
    pipeline: PipelineName, picture_s: float, roles: tuple[Role, ...]
) -> None:
    settings = StudySettings(
        protocol=Protocol(picture_s=picture_s), analysis=AnalysisChoices(pipeline=pipeline)
    )  # fmt: skip
    assert required_roles(settings) == roles
    more = replace(settings, recording=RecordingChoices(required=("features", "respiration")))
    assert required_roles(more) == (*roles, "respiration")
    assert required_roles(replace(settings, recording=RecordingChoices(required=("EDA",)))) == ("EDA",)


def test_a_study_may_require_nothing(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    write_study_file(path, StudySettings())
    assert required_roles(read_study_file(path)) == ("EEG",)
    text = path.read_text(encoding="utf-8").replace('required = ["features"]', "required = []")
    assert required_roles(parse_study(text, path)) == ()


def test_a_picture_is_read_again_only_where_somebody_touched_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stimuli = []
    for k in range(3):
        file = tmp_path / f"p{k}.png"
        Image.fromarray(np.full((20, 30, 3), 40 * k, dtype=np.uint8)).save(file)
        stimuli.append(Stimulus(file.stem, file.name, sha256=hashlib.sha256(file.read_bytes()).hexdigest()))
    read: list[str] = []
    really_open = Image.open
    monkeypatch.setattr(Image, "open", lambda path: read.append(Path(path).name) or really_open(path))  # type: ignore[func-returns-value]
    verified = VerifiedFiles()
    check_stimuli(tmp_path, stimuli, verified=verified)
    check_stimuli(tmp_path, stimuli, verified=verified)
    assert read == ["p0.png", "p1.png", "p2.png"]
    # Before the start everything is read, whatever was known.
    check_stimuli(tmp_path, stimuli)
    assert read[3:] == ["p0.png", "p1.png", "p2.png"]
    del read[:]
    # Touched, but the same bytes.
    os.utime(tmp_path / "p1.png", ns=(1, 1))
    check_stimuli(tmp_path, stimuli, verified=verified)
    assert read == ["p1.png"]
    # Other bytes of the same length, with the old time put back.
    before = (tmp_path / "p2.png").stat()
    changed = bytearray((tmp_path / "p2.png").read_bytes())
    changed[-20] ^= 1
    (tmp_path / "p2.png").write_bytes(changed)
    os.utime(tmp_path / "p2.png", ns=(before.st_atime_ns, before.st_mtime_ns))
    for _ in range(2):
        with pytest.raises(StimulusError, match=r"p2\.png .*was changed since it was imported"):
            check_stimuli(tmp_path, stimuli, verified=verified)

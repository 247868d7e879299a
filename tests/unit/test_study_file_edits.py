"""study.toml and the editor say the same thing, and what people wrote into the file stays."""

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veridical.domain.errors import StudyError
from veridical.domain.intake import IntakeField
from veridical.domain.items import COMMENT, DOMINANCE, EMOTION, MEMORY, of_kind
from veridical.domain.protocol import Protocol
from veridical.domain.rating import AROUSAL, VALENCE, Scale
from veridical.domain.study import StudySettings
from veridical.storage.study_file import edit_study_file, read_study_file, write_study_file
from veridical.storage.template_file import read_template, templates

_SCALES = (
    VALENCE, AROUSAL, DOMINANCE, MEMORY, EMOTION, COMMENT,
    of_kind(replace(VALENCE, id="pleasure"), "affective-slider"),
    of_kind(replace(AROUSAL, id="energy"), "visual-analogue"),
    Scale("own", "Wie sehr?", "gar nicht", "", "sehr", 1, 9),
    Scale("odd", "?", kind="choice", options=("a", "b"), low="x"),
)  # fmt: skip

_PROTOCOLS = st.builds(
    Protocol,
    n_per_condition=st.integers(1, 40),
    n_blocks=st.integers(1, 6),
    conditions=st.sampled_from([("negative", "positive"), ("negative", "neutral", "positive")]),
    repeat_distance=st.integers(1, 30),
    picture_s=st.floats(0.1, 10),
    blank_s=st.sampled_from([(0.0, 0.0), (0.5, 1.0)]),
    scale_order=st.sampled_from(["fixed", "random", "counterbalanced"]),
    has_familiarity_pass=st.booleans(),
    # Valence stays: it is what the analysis targets.
    scales=st.lists(st.sampled_from(_SCALES[1:]), unique=True, max_size=5).map(lambda s: (VALENCE, *s)),
)
_SETTINGS = st.builds(
    StudySettings,
    title=st.text(max_size=20).filter(lambda t: t.isprintable()),
    seed=st.integers(0, 2**31),
    protocol=_PROTOCOLS,
    texts=st.sampled_from([{}, {"break": "Trinken Sie etwas.\nIn Ruhe."}, {"debrief": 'Say "bye".', "break": "x"}]),
    intake=st.sampled_from([(), (IntakeField("room", "Room"),)]),
    has_touch_screen=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(_SETTINGS, _SETTINGS)
def test_any_edit_reads_back_as_what_was_meant(
    tmp_path_factory: pytest.TempPathFactory, before: StudySettings, after: StudySettings
) -> None:
    file = tmp_path_factory.mktemp("study") / "study.toml"
    write_study_file(file, before)
    assert read_study_file(file) == before
    edit_study_file(file, before, after)
    assert read_study_file(file) == after
    edit_study_file(file, after, before)
    assert read_study_file(file) == before


def test_comments_blank_lines_and_order_survive_an_edit(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    write_study_file(file, StudySettings())
    text = file.read_text()
    text = text.replace(
        "picture_s = 6.0 # seconds", "# As in our pilot of March.\n\npicture_s = 6.0   # 4 s was too short"
    )
    text = text.replace('id = "arousal"', '# Their second question.\nid = "arousal"')
    text += "\n# The end.\n"
    file.write_text(text)
    before = read_study_file(file)
    after = replace(
        before, protocol=replace(before.protocol, picture_s=5.0, scales=(VALENCE, replace(AROUSAL, maximum=9)))
    )
    edit_study_file(file, before, after)
    changed = [(a, b) for a, b in zip(text.splitlines(), file.read_text().splitlines(), strict=True) if a != b]
    assert changed == [
        ("picture_s = 6.0   # 4 s was too short", "picture_s = 5.0   # 4 s was too short"),
        ("maximum = 7", "maximum = 9"),
    ]


def test_scales_that_change_places_take_their_comments_along(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    write_study_file(file, StudySettings())
    file.write_text(file.read_text().replace('id = "arousal"', 'id = "arousal" # the second'))
    before = read_study_file(file)
    edit_study_file(
        file, before, replace(before, protocol=replace(before.protocol, scales=(AROUSAL, EMOTION, VALENCE)))
    )
    assert 'id = "arousal" # the second' in file.read_text()
    assert [s["id"] for s in tomllib.loads(file.read_text())["protocol"]["scales"]] == ["arousal", "emotion", "valence"]


def test_what_somebody_else_changed_meanwhile_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    opened = StudySettings()
    write_study_file(file, opened)
    file.write_text(file.read_text().replace("max_run = 2", "max_run = 3"))
    edit_study_file(file, opened, replace(opened, protocol=replace(opened.protocol, n_practice=6)))
    now = read_study_file(file).protocol
    assert (now.max_run, now.n_practice) == (3, 6)


def test_a_file_in_which_most_is_left_out_grows_only_by_what_is_set(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text('title = "Small"\n\n[[protocol.scales]]\nid = "valence"\nquestion = "How?"\n')
    before = read_study_file(file)
    edit_study_file(file, before, replace(before, seed=7, protocol=replace(before.protocol, picture_s=2.0)))
    written = tomllib.loads(file.read_text())
    assert written["seed"] == 7
    assert set(written["protocol"]) == {"scales", "picture_s"}
    assert read_study_file(file).protocol.picture_s == 2.0


def test_an_edit_that_would_be_wrong_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    write_study_file(file, StudySettings())
    text = file.read_text()
    with pytest.raises(StudyError, match=r"line \d+: protocol.n_blocks must be 1 or more"):
        edit_study_file(file, StudySettings(), replace(StudySettings(), protocol=Protocol(n_blocks=0)))
    assert file.read_text() == text


_EMOTION = '[[protocol.scales]]\nid = "emotion"\nquestion = "Which?"\nkind = "choice"\noptions = ["joy", "fear"]\n'


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('kind = "choice"', 'kind = "menu"', "protocol.scales[2].kind: invalid enum value 'menu'"),
        ('options = ["joy", "fear"]', 'options = ["joy"]', "protocol.scales[2].options must be two words or more"),
        (
            'options = ["joy", "fear"]',
            'options = ["joy", 3]',
            "protocol.scales[2].options[1]: expected `str`, got `int`",
        ),
        ('id = "emotion"', 'id = "my mood"', "protocol.scales[2].id must be a word of letters"),
        ('id = "emotion"', 'id = "attention"', "protocol.scales[2].id must not be attention"),
        ('kind = "choice"', 'kind = "visual-analogue"\nn_steps = 10', "protocol.scales[2].n_steps must be 100 or more"),
        (
            'conditions = ["negative", "neutral", "positive"]',
            "conditions = []",
            "protocol.conditions must be one or more",
        ),
        ("repeat_distance = 1", "repeat_distance = 0", "protocol.repeat_distance must be 1 or more"),
        ("n_attention_checks = 0", "n_attention_checks = 99", "between 0 and the number of trials"),
        ('language = "en"', 'language = "xx"', "no texts are shipped for the language 'xx'"),
        ('target = "valence"', 'target = "emotion"', "a scale with an order, so neither a choice nor free text"),
    ],
)
def test_a_wrong_value_is_named_with_its_key_and_line(tmp_path: Path, old: str, new: str, fault: str) -> None:
    file = tmp_path / "study.toml"
    write_study_file(file, StudySettings())
    text = file.read_text().replace("\n[analysis]", f"\n{_EMOTION}\n[analysis]").replace(old, new, 1)
    file.write_text(text)
    wrong = new.split("\n")[-1]
    number = next(k for k, line in enumerate(text.split("\n"), 1) if line.startswith(wrong))
    with pytest.raises(StudyError) as caught:
        read_study_file(file)
    assert fault.lower() in str(caught.value).lower()
    assert f"line {number}:" in str(caught.value)


def test_a_text_that_no_session_shows_is_named_with_those_there_are(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    write_study_file(file, replace(StudySettings(), texts={"brake": "Rest."}))
    with pytest.raises(StudyError, match=r"texts\.brake is no text of a session; there are .*break"):
        read_study_file(file)


def test_both_templates_are_what_the_method_says() -> None:
    autonomic, eeg = templates()
    assert [autonomic.name, eeg.name] == ["autonomic", "eeg-only"]
    a, e = autonomic.settings.protocol, eeg.settings.protocol
    expected: dict[str, Any] = {
        "n_trials": 72, "n_blocks": 3, "picture_s": 6.0, "fixation_s": (1.0, 2.0), "iti_s": (4.0, 7.0), "max_run": 2,
        "min_onset_gap_s": 12.0, "baseline_open_s": 60.0, "baseline_closed_s": 60.0, "n_practice": 4,
    }  # fmt: skip
    assert {key: getattr(a, key) for key in expected} == expected
    assert [s.id for s in a.scales] == ["valence", "arousal"]
    assert e.n_trials == 160
    assert 1.0 <= e.picture_s <= 1.5
    assert e.iti_s == (1.5, 2.5)
    for protocol in (a, e):
        assert 0.10 <= protocol.repeat_share <= 0.15
        assert 2 <= protocol.n_attention_checks <= 3
        assert protocol.n_pleasant_end > 0
        assert protocol.scales == (VALENCE, AROUSAL)


def test_another_study_is_a_template_too(tmp_path: Path) -> None:
    write_study_file(tmp_path / "study.toml", replace(StudySettings(), title="Pilot", protocol=Protocol(n_blocks=4)))
    assert read_template(str(tmp_path)).settings.protocol.n_blocks == 4
    assert read_template(str(tmp_path / "study.toml")).summary == "Pilot"
    with pytest.raises(StudyError, match="No template is called 'other'; choose autonomic, eeg-only"):
        read_template("other")

"""The command line: quick to answer, one sentence where something is wrong, and the exit status says which."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer

from veridical import paths
from veridical.cli import main
from veridical.cli.demo import demo_settings
from veridical.cli.doctor import LIBRARIES, TEST_PROGRAMS
from veridical.cli.output import put_json
from veridical.cli.selectors import is_chosen, parse_selectors
from veridical.domain.errors import StimulusError
from veridical.domain.participant import RunKey
from veridical.domain.protocol import expand
from veridical.domain.rating import VALENCE
from veridical.domain.run import StreamSelector
from veridical.domain.simulation import PROFILES, SimulationPlan, latent_feeling, rating_of, simulation_behind
from veridical.domain.stimulus import StimulusSet
from veridical.domain.stream import StreamDescription
from veridical.services.session import RunRequest, start_run
from veridical.services.study import create_study, open_study
from veridical.storage.stimuli_table import read_stimuli


def veridical(
    *arguments: str, cwd: Path | None = None, extra: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run the command line in a process of its own."""

    return subprocess.run(
        [sys.executable, "-m", "veridical", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
        env={**os.environ, **(extra or {})},
        check=False,
    )


class Here:
    """The command line in this process, in a folder of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        monkeypatch.chdir(folder)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Return exit status, stdout and stderr."""
        self._monkeypatch.setattr(sys, "argv", ["veridical", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self._capsys.readouterr()
        return int(ended.value.code or 0), out, err


@pytest.fixture
def here(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Here:
    # The command line sets it for itself and its children; not for later tests.
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    return Here(tmp_path, capsys, monkeypatch)


def test_the_version_is_the_packages(tmp_path: Path) -> None:
    done = veridical("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, f"veridical {importlib.metadata.version('veridical')}")


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    code = (
        "import sys\nsys.argv = ['veridical', '--help']\nfrom veridical.cli import main\n"
        "try:\n    main()\nexcept SystemExit as done:\n    assert done.code == 0\n"
        "print([m for m in ('numpy', 'scipy', 'pylsl', 'PySide6', 'matplotlib') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    for command in ("demo", "doctor", "study", "simulate", "record", "inspect", "run", "suggest", "train"):
        assert command in done.stdout
    assert done.stdout.strip().endswith("[]")


@pytest.mark.parametrize("name", ["minimal.xdf", "empty_streams.xdf"])
def test_real_recordings_are_inspected_in_words_and_numbers(here: Here, shared_data: Path, name: str) -> None:
    file = str(shared_data / "xdf" / name)
    status, words, _ = here.run("inspect", file)
    assert status == 0
    found = json.loads(here.run("inspect", file, "--json")[1])
    assert all(stream["name"] in words for stream in found["streams"])


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",), ("train",), ("run", "x"), ("demo", "--profile", "sleepy"),
        ("record", "out.xdf", "--stream", "colour=red"),
    ],
)  # fmt: skip
def test_wrong_usage_exits_with_2(here: Here, arguments: tuple[str, ...]) -> None:
    assert here.run(*arguments)[0] == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "nowhere", "--participant", "001"), "nowhere does not exist"),
        (("run", "nowhere", "--participant", "001"), "nowhere does not exist"),
        (("train", "text.xdf", "--participant", "001"), "text.xdf is a file"),
        (("run", "study", "--participant", "../x"), "participant id '../x' cannot be used"),
        (("train", "study", "--participant", "001"), "no participant 001"),
        (("inspect", "nothing.xdf"), "nothing.xdf"),
        (("inspect", "text.xdf"), "text.xdf"),
        (("suggest", "text.xdf"), "text.xdf"),
        (("study", "new", "full"), "holds something already"),
        (("demo", "--out", "full"), "holds something already"),
        (("record", "text.xdf", "--seconds", "1"), "text.xdf"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_1(here: Here, arguments: tuple[str, ...], words: str) -> None:
    (here.folder / "text.xdf").write_text("no recording")
    (here.folder / "full").mkdir()
    (here.folder / "full" / "file").write_text("x")
    create_study(here.folder / "study")
    status, out, err = here.run(*arguments)
    assert (status, out) == (1, "")
    last = err.strip().splitlines()[-1]
    assert last.startswith("veridical: ")
    assert words in last
    assert (here.folder / "text.xdf").read_text() == "no recording"


def test_a_fault_shows_no_traceback(tmp_path: Path) -> None:
    done = veridical("study", "new", str(Path(__file__)), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("veridical: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_new_study_is_made_and_described(here: Here) -> None:
    status, out, _ = here.run("study", "new", "mine", "--json")
    assert status == 0
    assert json.loads(out) == {"study": str((here.folder / "mine").resolve()), "stimuli": 72}


def test_a_session_without_streams_says_what_to_do(here: Here) -> None:
    create_study(here.folder / "study")
    status, out, err = here.run("run", "study", "--participant", "001", "--headless")
    assert (status, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert "No streams were found; switch on" in err
    assert open_study(here.folder / "study").participants() == ()


def test_a_recording_of_nothing_is_a_fault_and_leaves_no_file(here: Here) -> None:
    status, out, err = here.run("record", "new.xdf", "--seconds", "0.3", "--stream", "name=nobody has this name")
    assert (status, out) == (1, "")
    assert "nothing was recorded; switch on" in err.splitlines()[-1]
    assert not (here.folder / "new.xdf").exists()


@pytest.mark.parametrize(
    ("damage", "words"), [("missing", "cannot be read"), ("changed", "is damaged"), ("corrupt", "cannot be decoded")]
)
def test_a_bad_picture_is_named_before_anything_starts(tmp_path: Path, damage: str, words: str) -> None:
    study = create_study(tmp_path / "study")
    for stimulus in study.stimuli.stimuli:
        picture = study.paths.stimuli / stimulus.file
        if damage == "missing":
            picture.unlink()
        else:
            picture.write_bytes(picture.read_bytes()[: picture.stat().st_size // 2])
    if damage == "corrupt":
        # Without a stored hash only decoding tells.
        unhashed = StimulusSet(tuple(replace(s, sha256="") for s in study.stimuli.stimuli))
        study = replace(study, stimuli=unhashed)
    stream = StreamDescription("EEG", "EEG", "s", "u", "h", 8, 250.0, "float32")
    with pytest.raises(StimulusError, match=words):
        start_run(study, RunRequest(RunKey("001"), (stream,)))
    assert not study.paths.raw(RunKey("001")).exists()


def test_doctor_prints_one_object_with_a_remedy_for_every_fault(tmp_path: Path) -> None:
    done = veridical("doctor", "--json", cwd=tmp_path, extra={"DISPLAY": ""})
    found = json.loads(done.stdout)
    assert done.returncode == (0 if found["works"] else 1)
    checks = {c["name"]: c for c in found["checks"]}
    assert {"Python", "Packages", "LSL", "System libraries", "Window", "Display", "Virtual screen", "Disk"} <= set(
        checks
    )
    assert all(c["remedy"] for c in found["checks"] if not c["is_fine"])
    assert checks["LSL"]["is_fine"]
    assert not checks["Display"]["is_fine"]


def test_doctor_knows_every_package_that_the_readme_names() -> None:
    readme = (Path(paths.__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    line = re.search(r"sudo apt-get install (.+)", readme)
    assert line is not None
    known = {*LIBRARIES.values(), *TEST_PROGRAMS.values(), "libportaudio2", "libgl1-mesa-dri"}
    # Brought by Qt's and PsychoPy's own wheels or found by other means: fonts are shipped, GLib comes with D-Bus.
    assert set(line[1].split()) - known <= {"fonts-dejavu-core", "libglib2.0-0"}
    assert set(LIBRARIES.values()) <= set(line[1].split())


def test_stream_choices_are_read_and_applied() -> None:
    eeg = StreamDescription("EEG", "EEG", "s1", "u1", "lab", 8, 250.0, "float32")
    twin = StreamDescription("EEG", "EEG", "s2", "u2", "lab", 8, 250.0, "float32")
    assert parse_selectors(["all", "name=EEG,source_id=s1"]) == (
        StreamSelector(),
        StreamSelector(name="EEG", source_id="s1"),
    )
    assert is_chosen(eeg, ())
    assert is_chosen(eeg, parse_selectors(["source_id=s1"]))
    assert not is_chosen(twin, parse_selectors(["source_id=s1"]))
    assert is_chosen(twin, parse_selectors(["source_id=s1", "hostname=lab"]))
    assert parse_selectors(["name=EEG, left,host=lab2"]) == (StreamSelector(name="EEG, left", hostname="lab2"),)
    wrongs = {
        "EEG": "cannot be read", "colour=red": "write all, or KEY=VALUE", "name=": "has no value", "name=EEG,": "comma",
        "nmae=EEG": "did you mean name=EEG", "name=a,name=b": "several times",
    }  # fmt: skip
    for wrong, words in wrongs.items():
        with pytest.raises(typer.BadParameter, match=words):
            parse_selectors([wrong])


def test_numbers_that_json_lacks_become_null(capsys: pytest.CaptureFixture[str]) -> None:
    put_json({"a": float("nan"), "b": [1.5, float("inf")], "c": "ü"})
    assert capsys.readouterr().out == '{"a": null, "b": [1.5, null], "c": "ü"}\n'


def test_simulated_streams_tell_whose_body_they_carry() -> None:
    for profile in PROFILES:
        plan = SimulationPlan(profile, seed=12, prefix="Lab2")
        assert simulation_behind(["actiCHamp-1", plan.source_id("EDA")]) == plan
    assert simulation_behind(["SimEEG-3", "", "EEG-happy-1"]) is None


def test_the_fast_demo_keeps_40_labelled_trials_whatever_the_seed(is_full: bool) -> None:
    stimuli = read_stimuli(paths.demo_stimuli() / "stimuli.tsv")
    fewest = 1000
    for seed in range(2000 if is_full else 150):
        rng = np.random.default_rng(seed)
        trials = expand(demo_settings(True, seed).protocol, stimuli, seed).trials
        answers = [rating_of(VALENCE, latent_feeling(seed, stimuli.get(t.stimulus_id)), rng) for t in trials]
        fewest = min(fewest, sum(a != VALENCE.midpoint for a in answers))
    assert fewest >= 40


@pytest.mark.parametrize("is_fast", [True, False])
def test_the_demo_shortens_durations_and_never_steps(is_fast: bool) -> None:
    settings = demo_settings(is_fast, 1)
    protocol = settings.protocol
    assert settings.is_shortened
    assert not settings.are_stimuli_validated
    assert protocol.baseline_open_s > 0
    assert protocol.baseline_closed_s > 0
    assert protocol.n_practice > 0
    assert protocol.n_blocks >= 3
    assert len(protocol.scales) == 2
    assert protocol.picture_s >= 0.5
    # The embargo keeps its proportion to the distance of pictures (20 s at 12 s).
    assert 0 < settings.analysis.embargo_s < 20

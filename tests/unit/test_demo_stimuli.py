"""The demo pictures: three classes that their made-up norms, not their brightness, tell apart."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from veridical.domain.protocol import Protocol, expand
from veridical.domain.stimulus import CONDITIONS, StimulusSet
from veridical.paths import demo_stimuli
from veridical.storage.stimuli_table import read_stimuli


@pytest.fixture(scope="module")
def demo() -> StimulusSet:
    return read_stimuli(demo_stimuli() / "stimuli.tsv")


def test_there_are_24_pictures_of_every_class(demo: StimulusSet) -> None:
    assert [s.id for s in demo.stimuli] == [f"demo{k:02d}" for k in range(1, 73)]
    assert [len(demo.of_condition(c)) for c in CONDITIONS] == [24, 24, 24]
    assert len({s.category for s in demo.stimuli}) == 24


def test_files_are_small_jpegs_that_match_their_hashes(demo: StimulusSet) -> None:
    total = 0
    for stimulus in demo.stimuli:
        data = (demo_stimuli() / stimulus.file).read_bytes()
        total += len(data)
        assert hashlib.sha256(data).hexdigest() == stimulus.sha256
        with Image.open(demo_stimuli() / stimulus.file) as picture:
            assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (500, 400))
    assert total < 4_000_000


def test_norms_are_marked_as_not_validated(demo: StimulusSet) -> None:
    assert all("not validated" in s.source for s in demo.stimuli)
    assert not any(s.sensitive for s in demo.stimuli)


def test_arousal_varies_within_every_class_and_is_no_copy_of_extreme_valence(demo: StimulusSet) -> None:
    for condition in CONDITIONS:
        assert np.std([s.arousal_unit for s in demo.of_condition(condition)]) > 0.15
    extreme = [abs(s.valence_unit) for s in demo.stimuli]
    assert abs(np.corrcoef(extreme, [s.arousal_unit for s in demo.stimuli])[0, 1]) < 0.8
    assert abs(np.corrcoef([s.valence_unit for s in demo.stimuli], [s.arousal_unit for s in demo.stimuli])[0, 1]) < 0.3


def test_mean_luminance_does_not_tell_the_classes_apart(demo: StimulusSet) -> None:
    means: dict[str, list[float]] = {}
    for condition in CONDITIONS:
        for stimulus in demo.of_condition(condition):
            with Image.open(demo_stimuli() / stimulus.file) as picture:
                means.setdefault(condition, []).append(float(np.asarray(picture.convert("L")).mean()))
    for a, b in (("negative", "positive"), ("negative", "neutral"), ("neutral", "positive")):
        greater = np.subtract.outer(means[a], means[b])
        auc = float((greater > 0).mean() + 0.5 * (greater == 0).mean())
        assert 0.4 < auc < 0.6
        assert np.std(means[a]) > 10


def test_the_default_protocol_can_be_run_with_them(demo: StimulusSet) -> None:
    assert len(expand(Protocol(), demo, 1).trials) == Protocol().n_trials


def test_the_script_draws_the_shipped_pictures(demo: StimulusSet) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import draw_demo_stimuli as d, numpy as np\n"
        "from PIL import Image\n"
        "for plan in d.plan_pictures()[:3]:\n"
        "    shipped = np.asarray(Image.open(f'{sys.argv[1]}/pictures/{plan[0]}.jpg'), dtype=float)\n"
        "    print(plan[0], plan[2], float(np.abs(np.asarray(d.draw_picture(*plan), dtype=float) - shipped).mean()))\n"
    )
    command = [sys.executable, "-B", "-c", code, str(demo_stimuli())]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for line, stimulus in zip(done.stdout.splitlines(), demo.stimuli, strict=False):
        name, *category, difference = line.split()
        assert (name, " ".join(category)) == (stimulus.id, stimulus.category)
        # JPEG's own loss is a few grey levels; another scene would differ by dozens.
        assert float(difference) < 6

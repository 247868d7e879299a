"""A live demo of a participant in whom nothing is to be found, on a display, with one amplifier for everything."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyxdf

from veridical.domain.participant import RunKey
from veridical.paths import StudyPaths


def test_the_words_of_a_null_run_agree_with_its_p_value(tmp_path: Path, x_display: str) -> None:
    folder = tmp_path / "demo"
    # Another seed than the demo's own; whatever p comes out, the words have to go with it. How often p falls below
    # .05 is counted on generated recordings, not on one run (test_false_positives.py).
    command = ["demo", "--fast", "--profile", "null", "--aux", "--seed", "7", "--out", str(folder), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "veridical", *command],
        capture_output=True,
        text=True,
        timeout=175,
        env={**os.environ, "DISPLAY": x_display},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "PsychoPy in a window" in done.stderr
    result = json.loads(done.stdout)
    report = json.loads(Path(result["report"]).with_suffix(".json").read_text(encoding="utf-8"))
    assert result["n_trials"] >= 40
    assert report["p_value"] == result["p_value"]
    assert report["headline"].startswith("Above chance") == (report["verdict"] in ("above chance", "explained"))
    if result["p_value"] >= 0.05:
        assert report["verdict"] in ("not above chance", "not enough data")
    streams, _ = pyxdf.load_xdf(str(StudyPaths(folder).xdf(RunKey("001"))), verbose=False)
    amplifier = next(s for s in streams if s["info"]["name"][0] == "SimEEG")
    labels = [c["label"][0] for c in amplifier["info"]["desc"][0]["channels"][0]["channel"]]
    assert {"EDA", "ECG"} <= set(labels)
    markers = [m[0] for s in streams if s["info"]["name"][0] == "veridical-markers" for m in s["time_series"]]
    assert sum(m.startswith("rating/valence ") for m in markers) == sum(m.startswith("picture/off ") for m in markers)

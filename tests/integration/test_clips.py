"""Videos and sounds on a real screen and a real sound device, whose samples go nowhere."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

PROGRAM = Path(__file__).with_name("clip_program.py")
# ALSA's own device that takes samples and drops them; the rest is the system's configuration.
NOWHERE = "</usr/share/alsa/alsa.conf>\npcm.!default { type null }\npcm.nowhere { type null hint.show on }\n"
NONE = "</usr/share/alsa/alsa.conf>\npcm.!default { type hw card 31 }\n"


def show(file: Path, kind: str, display: str, folder: Path, sound_device: str) -> tuple[dict[str, Any], str]:
    config = folder / "asound.conf"
    config.write_text(sound_device, encoding="utf-8")
    told = folder / "told.json"
    command = [sys.executable, str(PROGRAM), str(file), kind, str(told)]
    environment = {**os.environ, "DISPLAY": display, "ALSA_CONFIG_PATH": str(config)}
    done = subprocess.run(command, env=environment, timeout=120, capture_output=True, text=True, check=False)
    return (json.loads(told.read_text(encoding="utf-8")) if told.exists() else {}), done.stderr


@pytest.mark.display
def test_a_video_shows_the_frame_of_the_moment_and_its_sound_begins_with_it(
    make_clip: Callable[..., Path], x_display: str, tmp_path: Path
) -> None:
    file = make_clip(tmp_path / "a.mp4", 1.0)
    found, words = show(file, "video", x_display, tmp_path, NOWHERE)
    assert found, words[-2000:]
    seen = np.array(found["seen"])
    # Red rises by 250 in a second; the frame on screen is at most two old, whatever the machine does meanwhile.
    assert seen[:, 1] == pytest.approx(250 * seen[:, 0], abs=250 * 0.12)
    assert np.all(np.diff(seen[:, 1]) > 40)
    assert seen[:, 2] == pytest.approx([60] * 3, abs=8)
    # The photodiode's square is bright as long as the clip lasts.
    assert np.all(seen[:, 4:] == 255)
    # The device's word against the flip: the same moment, within its own buffer on a busy machine.
    assert abs(found["sound_lag_s"]) < 0.1
    assert not found["is_muted"]


@pytest.mark.full
@pytest.mark.display
def test_a_video_without_a_loudspeaker_is_shown_and_known_to_be_mute(
    make_clip: Callable[..., Path], x_display: str, tmp_path: Path
) -> None:
    found, words = show(make_clip(tmp_path / "a.mp4", 1.0), "video", x_display, tmp_path, NONE)
    assert found, words[-2000:]
    assert found["is_muted"]
    assert found["sound_lag_s"] is None
    assert np.all(np.diff(np.array(found["seen"])[:, 1]) > 40)


def test_without_a_loudspeaker_a_sound_refuses_in_words(tmp_path: Path) -> None:
    config = tmp_path / "asound.conf"
    config.write_text(NONE, encoding="utf-8")
    program = (
        "import numpy as np\nfrom veridical.presenter.loudspeaker import Loudspeaker\n"
        "Loudspeaker(lambda: 0.0).load(np.zeros((9, 2), np.float32), 'The sound b')"
    )
    environment = {**os.environ, "ALSA_CONFIG_PATH": str(config)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, timeout=60, capture_output=True, text=True, check=False
    )
    assert "The sound b cannot be heard" in done.stderr
    assert "connect a loudspeaker or headphones" in done.stderr

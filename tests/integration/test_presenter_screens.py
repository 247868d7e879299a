"""Every kind of participant's screen as the real PsychoPy draws it, against what was painted."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from veridical.paths import demo_stimuli
from veridical.presenter.screenshots import sample_views
from veridical.presenter.texts import load_texts
from veridical.presenter.view_painter import ViewPainter
from veridical.storage.clip_decoding import decode_frames

WIDTH, HEIGHT = 1280, 800


@pytest.mark.display
@pytest.mark.parametrize("language", [pytest.param("de", marks=pytest.mark.full), "ja"])
def test_every_kind_of_screen_is_drawn_pixel_by_pixel_as_painted(
    x_display: str, make_clip: Callable[..., Path], tmp_path: Path, language: str
) -> None:
    video = make_clip(tmp_path / "clip.mp4", 0.2)
    typed = "Sommer" if language == "de" else "夏の海"
    command = [sys.executable, "-m", "veridical.presenter.screenshots", str(tmp_path), "--language", language]
    subprocess.run(
        [*command, "--picture", "demo01", "--typed", typed, "--video", str(video), "--size", str(WIDTH), str(HEIGHT)],
        env={**os.environ, "DISPLAY": x_display},
        check=True,
        timeout=150,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    texts = load_texts({"language": language})
    scales, views = sample_views(texts, "demo01", typed, "video")
    painter = ViewPainter(WIDTH, HEIGHT, 53.0, texts, scales)
    with Image.open(demo_stimuli() / "pictures" / "demo01.jpg") as file:
        picture = file.convert("RGB")
    assert len(views) > 24
    first = next(decode_frames(video, "The video", 0.2, (WIDTH, HEIGHT)))
    frame = Image.fromarray(first.pixels)
    for name, view in views.items():
        with Image.open(tmp_path / f"{name}.png") as shot:
            drawn = np.asarray(shot.convert("RGB"), dtype=int)
        # A frame of a video lies where a picture would: scaled by the card here, and so a little softer at its edge.
        as_picture = replace(view, kind="picture") if view.kind == "video" else view
        painted = np.asarray(painter.paint(as_picture, picture=frame if view.kind == "video" else picture), dtype=int)
        difference = np.abs(drawn - painted).max(axis=2)
        # The card interpolates between texels by at most a level or two.
        assert (difference > 3).mean() < 1e-4, name
        assert view.kind == "blank" or (np.abs(drawn - 128).max(axis=2) > 20).any(), name

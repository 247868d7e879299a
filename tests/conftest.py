"""A world of its own for every test process: home, settings, LSL session and, on demand, a screen."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from veridical.streaming.scope import private_scope

# Set before Qt, matplotlib or liblsl load: they read their environment once.
_WORLD = Path(tempfile.mkdtemp(prefix="veridical-tests-"))
_LSL = private_scope(_WORLD)
(_WORLD / "home").mkdir()
os.environ.update(
    HOME=str(_WORLD / "home"),
    XDG_STATE_HOME=str(_WORLD / "state"),
    XDG_CACHE_HOME=str(_WORLD / "cache"),
    XDG_CONFIG_HOME=str(_WORLD / "config"),
    XDG_DATA_HOME=str(_WORLD / "data"),
    LSLAPICFG=str(_LSL),
    QT_QPA_PLATFORM="offscreen",
    PYQTGRAPH_QT_LIB="PySide6",
    MPLBACKEND="Agg",
    # Small matrices on shared cores: more threads than one only wait for each other.
    OPENBLAS_NUM_THREADS="1",
)


FRAMES_HZ = 25


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--full``: the counts that the issues name instead of the reduced ones."""
    parser.addoption("--full", action="store_true", help="run the full counts")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave tests marked ``full`` out of the short run (deselected, not skipped)."""
    if config.getoption("--full"):
        return
    left_out = [item for item in items if item.get_closest_marker("full")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove this process' world."""
    shutil.rmtree(_WORLD, ignore_errors=True)


@pytest.fixture(scope="session")
def is_full(request: pytest.FixtureRequest) -> bool:
    """Whether ``--full`` was asked for."""
    return bool(request.config.getoption("--full"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real recordings; fails where ``shared`` stands beside the checkout without it."""
    shared = Path(__file__).resolve().parents[2] / "shared"
    if not shared.is_dir():
        pytest.skip("the real recordings of ../shared/data are not on this machine")
    folder = shared / "data"
    assert folder.is_dir(), "../shared exists but ../shared/data does not"
    return folder


@pytest.fixture(scope="session")
def make_clip() -> Callable[..., Path]:
    """Write a clip: a video whose red rises with time, with a tone, or a tone alone."""

    def make(path: Path, seconds: float = 1.0, *, has_picture: bool = True, has_sound: bool = True) -> Path:
        with av.open(str(path), "w") as container:
            video = container.add_stream("mpeg4", rate=FRAMES_HZ) if has_picture else None
            sound = container.add_stream("aac" if has_picture else "pcm_s16le", rate=48_000) if has_sound else None
            if video is not None:
                video.width, video.height, video.pix_fmt, video.bit_rate = 64, 48, "yuv420p", 2_000_000
                n = round(seconds * FRAMES_HZ)
                for k in range(n):
                    pixels = np.full((48, 64, 3), (round(250 * k / n), 60, 120), dtype=np.uint8)
                    container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
                container.mux(video.encode(None))
            if sound is not None:
                tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(round(48_000 * seconds)) / 48_000)
                form = "fltp" if has_picture else "s16"
                wave = tone.astype(np.float32) if has_picture else (tone * 32767).astype(np.int16)
                for first in range(0, len(wave), 1024):
                    frame = av.AudioFrame.from_ndarray(wave[None, first : first + 1024], format=form, layout="mono")
                    frame.sample_rate, frame.pts = 48_000, first
                    container.mux(sound.encode(frame))
                container.mux(sound.encode(None))
        return path

    return make


@pytest.fixture(scope="session")
def x_display() -> Iterator[str]:
    """A virtual X screen of its own (GLX, 24 bit, 1280x800); yields the DISPLAY value."""
    server = shutil.which("Xvfb")
    assert server is not None, "Xvfb is not installed; the README names the package"
    read_end, write_end = os.pipe()
    process = subprocess.Popen(
        [server, "-displayfd", str(write_end), "-screen", "0", "1280x800x24", "+extension", "GLX", "-nolisten", "tcp"],
        pass_fds=(write_end,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        number = pipe.readline().strip()
    assert number, "Xvfb did not start"
    yield f":{number}"
    process.terminate()
    process.wait(10)

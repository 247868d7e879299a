"""A world of its own for every test process: home, settings, LSL session and, on demand, a screen."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

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

"""``veridical doctor``: what works on this machine, what is missing, and the exact command that mends it."""

import ctypes
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from veridical import paths
from veridical.cli.output import put, put_json

# Shared libraries that only the operating system can bring, with their Debian packages (PLATFORM: run time).
LIBRARIES: dict[str, str] = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libGLU.so.1": "libglu1-mesa",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libXinerama.so.1": "libxinerama1",
}
# Programs that the tests need besides, with their packages.
TEST_PROGRAMS: dict[str, str] = {
    "Xvfb": "xvfb", "xauth": "xauth", "xdotool": "xdotool", "xwininfo": "x11-utils", "xrandr": "x11-xserver-utils",
}  # fmt: skip
_PACKAGES = (
    "numpy", "scipy", "scikit-learn", "pyriemann", "pylsl", "psychopy", "PySide6-Essentials", "pyqtgraph", "matplotlib",
    "numba", "msgspec", "typer",
)  # fmt: skip
_ENOUGH_BYTES = 2 * 2**30
_TRY_S = 60.0


@dataclass(frozen=True)
class Check:
    """One line of the doctor.

    Parameters
    ----------
    is_needed : bool
        Whether something that every user needs fails without it.
    remedy : str
        The command (or act) that mends it; empty if nothing is to be done.
    """

    name: str
    is_fine: bool
    words: str
    remedy: str = ""
    is_needed: bool = True


def run_doctor(as_json: bool) -> int:
    """Print every check; 1 if something that is needed is missing."""
    checks = examine()
    if as_json:
        put_json({"works": all(c.is_fine for c in checks if c.is_needed), "checks": [asdict(c) for c in checks]})
    else:
        for check in checks:
            mark = "ok     " if check.is_fine else ("MISSING" if check.is_needed else "note   ")
            put(f"{mark}  {check.name}: {check.words}")
            if check.remedy and not check.is_fine:
                put(f"           {check.remedy}")
    return 0 if all(c.is_fine for c in checks if c.is_needed) else 1


def examine() -> tuple[Check, ...]:
    """Look at everything (takes some seconds: libraries are tried in processes of their own)."""
    checks: tuple[Callable[[], Check], ...] = (
        _python, _packages, _lsl, _libraries, _qt, _display, _opengl, _sound, _xvfb, _fonts, _write_access, _disk,
    )  # fmt: skip
    return tuple(check() for check in checks)


def _python() -> Check:
    version = platform.python_version()
    is_fine = (3, 11) <= sys.version_info[:2] < (3, 13)
    return Check("Python", is_fine, version, "uv python install 3.11 && uv run --python 3.11 veridical doctor")


def _packages() -> Check:
    missing = []
    for name in _PACKAGES:
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return Check("Packages", False, f"missing: {', '.join(missing)}", f"python -m pip install {' '.join(missing)}")
    return Check("Packages", True, f"{len(_PACKAGES)} of {len(_PACKAGES)} are installed")


def _lsl() -> Check:
    code = "import pylsl; pylsl.StreamInfo('doctor', 'test', 1); print(pylsl.library_version())"
    is_fine, words = _try(code)
    return Check(
        "LSL", is_fine, f"liblsl {words}" if is_fine else words, "python -m pip install --force-reinstall pylsl"
    )


def _libraries() -> Check:
    if not sys.platform.startswith("linux"):
        return Check("System libraries", True, "part of this operating system")
    missing = [package for library, package in LIBRARIES.items() if not _loads(library)]
    if missing:
        return Check("System libraries", False, f"missing: {', '.join(missing)}", _apt(missing))
    return Check("System libraries", True, f"all {len(LIBRARIES)} were found")


def _qt() -> Check:
    code = "from PySide6 import QtWidgets; QtWidgets.QApplication([]); import PySide6; print(PySide6.__version__)"
    is_fine, words = _try(code, {"QT_QPA_PLATFORM": "offscreen"})
    words = f"PySide6 {words}" if is_fine else words
    return Check("Window", is_fine, words, "python -m pip install --force-reinstall PySide6-Essentials==6.11.3")


def _display() -> Check:
    if sys.platform in ("win32", "darwin"):
        return Check("Display", True, "part of this operating system")
    name = os.environ.get("DISPLAY", "")
    words = (
        f"DISPLAY is {name}" if name else "no display: the window cannot open, and the demo runs without a real screen"
    )
    return Check("Display", bool(name), words, "Log in to a desktop, or connect with `ssh -X`.", is_needed=False)


def _opengl() -> Check:
    """PsychoPy draws with OpenGL; only where there is a display can it be tried."""
    if sys.platform not in ("win32", "darwin") and not os.environ.get("DISPLAY"):
        return Check(
            "OpenGL", _loads("libGL.so.1"), "not tried: there is no display", _apt(["libgl1"]), is_needed=False
        )
    code = (
        "import pyglet; w = pyglet.window.Window(64, 64, visible=False); "
        "from pyglet.gl import gl_info; print(gl_info.get_version(), gl_info.get_renderer()); w.close()"
    )
    is_fine, words = _try(code)
    return Check("OpenGL", is_fine, words, _apt(["libgl1", "libgl1-mesa-dri"]), is_needed=False)


def _sound() -> Check:
    is_fine = not sys.platform.startswith("linux") or _loads("libportaudio.so.2")
    words = "PortAudio was found" if is_fine else "no PortAudio: the cue after eyes-closed rest stays silent"
    return Check("Sound", is_fine, words, _apt(["libportaudio2"]), is_needed=False)


def _xvfb() -> Check:
    if not sys.platform.startswith("linux"):
        return Check("Virtual screen", True, "not needed on this operating system", is_needed=False)
    missing = [package for program, package in TEST_PROGRAMS.items() if shutil.which(program) is None]
    words = f"missing: {', '.join(missing)} (only the tests need them)" if missing else "Xvfb was found"
    return Check("Virtual screen", not missing, words, _apt(missing), is_needed=False)


def _fonts() -> Check:
    own = sorted((paths.resources() / "fonts").glob("*.otf"))
    words = f"{len(own)} are shipped" if own else "the shipped fonts are missing"
    return Check("Fonts", bool(own), words, "python -m pip install --force-reinstall veridical")


def _write_access() -> Check:
    places = {"settings": paths.user_state(), "cache": paths.user_cache(), "this folder": Path.cwd()}
    closed = [f"{name} ({place})" for name, place in places.items() if not _is_writable(place)]
    words = f"cannot write: {', '.join(closed)}" if closed else "settings, cache and this folder can be written"
    return Check("Write access", not closed, words, "Choose another folder, or mend its permissions with chmod u+w.")


def _disk() -> Check:
    free = shutil.disk_usage(Path.cwd()).free
    words = f"{free / 2**30:.0f} GB are free here"
    return Check("Disk", free >= _ENOUGH_BYTES, words, "Free space, or change to a folder on another disk.")


def _is_writable(place: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=place):
            return True
    except OSError:
        return False


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _try(code: str, extra: dict[str, str] | None = None) -> tuple[bool, str]:
    """Run a line of Python in a process of its own: a missing library may abort it."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", code],
            capture_output=True,
            text=True,
            timeout=_TRY_S,
            env={**os.environ, **(extra or {})},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, f"could not be tried ({error})"
    output = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    last = output[-1] if output else f"ended with status {done.returncode}"
    return done.returncode == 0, last


def _apt(packages: Sequence[str]) -> str:
    return f"sudo apt-get install {' '.join(packages)}"

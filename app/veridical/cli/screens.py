"""Which screen a simulated session uses: a display, a virtual one of its own, or none, said plainly."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

from veridical.domain.run import ScreenChoice
from veridical.services.gate import has_display

_WINDOW = ScreenChoice(kind="psychopy", fullscreen=False, width_px=1280, height_px=800)
HEADLESS = ScreenChoice(kind="headless", fullscreen=False)


@contextlib.contextmanager
def demo_screen() -> Iterator[tuple[ScreenChoice, str]]:
    """Choose the best screen there is and say in words which; a virtual one lives as long as the context."""
    if has_display():
        yield _WINDOW, "PsychoPy in a window on your display"
        return
    server = shutil.which("Xvfb") if sys.platform != "win32" else None
    if server is None:
        yield HEADLESS, "no display and no Xvfb here: headless, no picture is drawn; reports say so"
        return
    process, number = _start_virtual(server)
    if number is None:
        yield HEADLESS, "no display here and Xvfb did not start: headless, no picture is drawn; reports say so"
        return
    os.environ["DISPLAY"] = number
    try:
        yield _WINDOW, "no display here: PsychoPy on a virtual screen (Xvfb), so its timing is software timing only"
    finally:
        os.environ.pop("DISPLAY", None)
        process.terminate()
        process.wait(10)


def _start_virtual(server: str) -> "tuple[subprocess.Popen[bytes], str | None]":
    """Start an X server on a free display number; its name, or None if it ended instead."""
    read_end, write_end = os.pipe()
    process = subprocess.Popen(
        [server, "-displayfd", str(write_end), "-screen", "0", "1280x800x24", "+extension", "GLX", "-nolisten", "tcp"],
        pass_fds=(write_end,),
        # Ctrl-C in the terminal must not take the screen away before the session has ended.
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        number = pipe.readline().strip()
    if not number:
        process.wait(10)
        return process, None
    return process, f":{number}"

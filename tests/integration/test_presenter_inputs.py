"""Real key presses and clicks on the real PsychoPy window, made with xdotool."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from veridical.domain.rating import VALENCE
from veridical.presenter.scale_layout import lay_out

WIDTH, HEIGHT = 1280, 800

# Opens the screen, shows a scale, and prints what arrives, one line each, until standard input closes.
CHILD = f"""
import math, sys, threading
from veridical.domain.rating import VALENCE
from veridical.domain.run import ScreenChoice
from veridical.domain.view import View
from veridical.presenter.clock import LslClock
from veridical.presenter.psychopy_screen import PsychopyScreen
from veridical.presenter.texts import load_texts

screen = PsychopyScreen(ScreenChoice(fullscreen=False, width_px={WIDTH}, height_px={HEIGHT}), LslClock())
screen.preload((), (VALENCE,), load_texts({{}}))
screen.flip(View("rating", scale_id="valence"))
is_open = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), is_open.set()), daemon=True).start()
print("ready", flush=True)
while not is_open.is_set():
    for entry in screen.poll():
        print(entry.kind, entry.key or entry.step or "-", entry.device, flush=True)
    screen.wait(math.inf)
"""


@pytest.fixture(scope="module")
def window(x_display: str) -> Iterator[subprocess.Popen[str]]:
    """A PsychoPy window that tells what it hears, with the pointer and so the keyboard in it."""
    assert shutil.which("xdotool"), "xdotool is not installed; the README names the package"
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD],
        env={**os.environ, "DISPLAY": x_display},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        while (line := process.stdout.readline()) != "ready\n":
            assert line, "the window did not open"
        yield process
        process.stdin.close()
        process.wait(20)
    finally:
        process.kill()
        process.wait(10)
        process.stdin.close()
        process.stdout.close()


def act(display: str, window: subprocess.Popen[str], *command: str, n_lines: int) -> list[str]:
    """Run xdotool and return what the window heard."""
    environment = {**os.environ, "DISPLAY": display}
    subprocess.run(["xdotool", *command], env=environment, check=True)
    assert window.stdout is not None
    return [window.stdout.readline().strip() for _ in range(n_lines)]


@pytest.mark.display
def test_digits_arrows_enter_and_escape_arrive_with_press_and_release(
    x_display: str, window: subprocess.Popen[str]
) -> None:
    act(x_display, window, "mousemove", str(WIDTH // 2), str(HEIGHT // 10), n_lines=0)
    for key, name in (("6", "6"), ("KP_3", "3"), ("Left", "left"), ("Return", "return"), ("space", "space")):
        heard = act(x_display, window, "key", "--delay", "40", key, n_lines=2)
        assert heard == [f"press {name} keyboard", f"release {name} keyboard"]
    # Held for longer than X11 waits before it repeats a key; what repeats is sorted out above the screen.
    held = ("keydown", "Escape", "sleep", "1.2", "keyup", "Escape", "key", "--delay", "40", "7")
    heard = act(x_display, window, *held, n_lines=2)
    assert window.stdout is not None
    while heard[-1] != "release 7 keyboard":
        heard.append(window.stdout.readline().strip())
    assert (heard[0], heard[-3]) == ("press escape keyboard", "release escape keyboard")


@pytest.mark.display
def test_a_click_on_a_step_and_on_the_button_arrive(x_display: str, window: subprocess.Popen[str]) -> None:
    layout = lay_out(VALENCE, WIDTH, HEIGHT)
    click = ("mousedown", "1", "sleep", "0.05", "mouseup", "1")
    for value, x in (layout.steps[0], layout.steps[5]):
        place = (str(round(x)), str(round(layout.steps_y)))
        assert act(x_display, window, "mousemove", *place, *click, n_lines=1) == [f"step {value} mouse"]
    left, top, right, bottom = layout.button
    place = (str(round((left + right) / 2)), str(round((top + bottom) / 2)))
    assert act(x_display, window, "mousemove", *place, *click, n_lines=1) == ["confirm - mouse"]

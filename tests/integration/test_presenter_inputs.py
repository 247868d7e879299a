"""Real key presses and clicks on the real PsychoPy window, made with xdotool."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from veridical.domain.items import EMOTION, of_kind
from veridical.domain.rating import AROUSAL, VALENCE
from veridical.presenter.scale_layout import lay_out, lay_out_choice, lay_out_sliders

WIDTH, HEIGHT = 1280, 800

# Opens the screen, shows a scale, and prints what arrives, one line each, until standard input closes.
CHILD = f"""
import math, queue, sys, threading
from dataclasses import replace
from veridical.domain.items import COMMENT, EMOTION, of_kind
from veridical.domain.rating import AROUSAL, VALENCE
from veridical.domain.run import ScreenChoice
from veridical.domain.view import SliderView, View
from veridical.presenter.clock import LslClock
from veridical.presenter.psychopy_screen import PsychopyScreen
from veridical.presenter.texts import load_texts

screen = PsychopyScreen(ScreenChoice(fullscreen=False, width_px={WIDTH}, height_px={HEIGHT}), LslClock())
sliders = [replace(of_kind(s, "affective-slider"), id=s.id + "-slider") for s in (VALENCE, AROUSAL)]
screen.preload((), (VALENCE, EMOTION, COMMENT, *sliders), load_texts({{}}))
views = {{
    "likert": View("rating", scale_id="valence"),
    "choice": View("rating", scale_id="emotion"),
    "text": View("rating", scale_id="comment"),
    "sliders": View("sliders", sliders=tuple(SliderView(s.id) for s in sliders)),
}}
asked = queue.SimpleQueue()
threading.Thread(target=lambda: [asked.put(line.strip()) for line in sys.stdin] + [asked.put("")], daemon=True).start()
asked.put("likert")
while (name := asked.get() if not asked.empty() else None) != "":
    if name:
        screen.flip(views[name])
        print("ready", flush=True)
    for entry in screen.poll():
        words = [entry.kind, entry.key or entry.step or "-", entry.device, entry.scale_id, "drag" * entry.is_drag]
        print(*[w for w in words if w], flush=True)
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
        assert act(x_display, window, "mousemove", *place, *click, n_lines=1) == [f"step {value} mouse valence"]
    left, top, right, bottom = layout.button
    place = (str(round((left + right) / 2)), str(round((top + bottom) / 2)))
    assert act(x_display, window, "mousemove", *place, *click, n_lines=1) == ["confirm - mouse"]


def ask(window: subprocess.Popen[str], view: str) -> None:
    """Let the window show another kind of question."""
    assert window.stdin is not None
    assert window.stdout is not None
    window.stdin.write(f"{view}\n")
    window.stdin.flush()
    while window.stdout.readline() != "ready\n":
        pass


@pytest.mark.display
def test_a_sliders_thumb_is_pointed_at_and_dragged_and_follows_held_keys(
    x_display: str, window: subprocess.Popen[str]
) -> None:
    ask(window, "sliders")
    scales = [replace(of_kind(s, "affective-slider"), id=f"{s.id}-slider") for s in (VALENCE, AROUSAL)]
    upper, lower = lay_out_sliders(scales, WIDTH, HEIGHT).rows
    start, end = (str(round(upper.x_of(20))), str(round(upper.track_y))), (str(round(upper.x_of(70))), "700")
    heard = act(x_display, window, "mousemove", *start, "mousedown", "1", "sleep", "0.05", n_lines=1)
    assert heard == ["step 20 mouse valence-slider"]
    # Off the line and over the other slider: the thumb that is held follows all the same.
    heard = act(x_display, window, "mousemove", *end, "sleep", "0.05", "mouseup", "1", n_lines=1)
    assert heard == ["step 70 mouse valence-slider drag"]
    click = ("mousedown", "1", "sleep", "0.05", "mouseup", "1")
    place = (str(round(lower.x_of(100))), str(round(lower.track_y)))
    assert act(x_display, window, "mousemove", *place, *click, n_lines=1) == ["step 100 mouse arousal-slider"]
    # Some systems repeat a held key as release and press, others as press alone: each press moves the thumb.
    held = ("keydown", "Right", "sleep", "1.2", "keyup", "Right", "key", "--delay", "40", "Home")
    heard = act(x_display, window, *held, n_lines=5)
    assert window.stdout is not None
    while heard[-1] != "release home keyboard":
        heard.append(window.stdout.readline().strip())
    assert heard.count("press right keyboard") > 4
    assert set(heard[:-2]) <= {"press right keyboard", "release right keyboard"}


@pytest.mark.display
def test_an_option_is_clicked_and_words_are_typed(x_display: str, window: subprocess.Popen[str]) -> None:
    ask(window, "choice")
    left, top, right, bottom = lay_out_choice(EMOTION, WIDTH, HEIGHT).boxes[5]
    click = ("mousedown", "1", "sleep", "0.05", "mouseup", "1")
    place = (str(round((left + right) / 2)), str(round((top + bottom) / 2)))
    assert act(x_display, window, "mousemove", *place, *click, n_lines=1) == ["step 6 mouse emotion"]
    ask(window, "text")
    heard = act(x_display, window, "key", "--delay", "40", "S", "udiaeresis", "BackSpace", n_lines=4)
    assert heard == ["text S keyboard", "text ü keyboard", "press backspace keyboard", "release backspace keyboard"]

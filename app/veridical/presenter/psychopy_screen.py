"""The real screen: PsychoPy draws, times and listens. The only importer of psychopy.

What PsychoPy is known to do wrong is met here: it writes under HOME, logs to stdout, raises at import
without a display, and covers the operator's screen when the chosen one does not exist.
"""

import contextlib
import gc
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from veridical.domain.errors import ProcessError, StimulusError
from veridical.domain.rating import Scale
from veridical.domain.run import ScreenChoice
from veridical.domain.stimulus import Stimulus
from veridical.domain.view import View
from veridical.paths import user_cache
from veridical.presenter.clock import Clock
from veridical.presenter.picture_files import GREY, load_picture
from veridical.presenter.scale_layout import ScaleLayout, lay_out
from veridical.presenter.screen import Input, InputQueue, ScreenInfo
from veridical.presenter.texts import Texts
from veridical.presenter.timing import FrameLog, FrameReport
from veridical.presenter.view_painter import Sprite, ViewPainter

# Displays refresh between these rates; a loop that flips faster is not held by a vertical blank.
_SLOWEST_HZ, _FASTEST_HZ = 45.0, 245.0
_SOFTWARE_HZ = 60.0
_N_WARM_UP, _N_MEASURED = 10, 31
_DELAY_SHARE = 0.5
# Without a vertical blank nothing is redrawn while a view stays: look for inputs this often.
_POLL_S = 0.004
_DUE_S = 0.0003
_TONE_S, _TONE_HZ = 0.4, 660
# The participant may see it: no brand, no operator's word.
_TITLE = "Pictures"

_SpriteKey = tuple[str, str, int | None]


class PsychopyScreen:
    """A PsychoPy window; every image is painted and on the graphics card before the session starts.

    Parameters
    ----------
    choice : ScreenChoice
        Which screen, and whether to fill it.
    screenshots : Path or None
        Folder for one PNG of every different view; saving delays flips, so never with a participant.

    Raises
    ------
    ProcessError
        If there is no display, or not the chosen screen.
    """

    def __init__(self, choice: ScreenChoice, clock: Clock, screenshots: Path | None = None) -> None:
        self._clock = clock
        self._choice = choice
        self._screenshots = screenshots
        self._shots: set[str] = set()
        self._inputs = InputQueue()
        self._stimuli: dict[_SpriteKey, Any] = {}
        self._layouts: dict[str, ScaleLayout] = {}
        self._view = View("blank")
        self._last_flip_s = 0.0
        self._is_stale = False
        self._window = self._open_window()
        self._width_px, self._height_px = (int(v) for v in self._window.size)
        self._corners = self._make_corners()
        measured_hz = self._measure_refresh_hz()
        has_vsync = measured_hz is not None
        refresh_hz = measured_hz or _SOFTWARE_HZ
        rate = f"{refresh_hz:.1f} Hz" if has_vsync else "no vertical blank"
        words = f"psychopy {self._width_px}x{self._height_px}, {rate}"
        self.info = ScreenInfo("psychopy", words, self._width_px, self._height_px, refresh_hz, has_vsync)
        self._log = FrameLog(refresh_hz, has_vsync)
        self._listen()

    # The port -------------------------------------------------------------------------------------
    @property
    def n_dropped(self) -> int:
        """Refreshes missed so far; 0 without a vertical blank."""
        return self._log.n_dropped

    def preload(self, stimuli: Sequence[Stimulus], scales: Sequence[Scale], texts: Texts) -> None:
        """Decode, paint and upload everything; StimulusError for the first picture that cannot be shown."""
        self._painter = ViewPainter(self._width_px, self._height_px, self._choice.width_cm, texts)
        for stimulus in stimuli:
            view = View("picture", stimulus_id=stimulus.id)
            self._upload(view, self._painter.sprite(view, picture=load_picture(stimulus)))
        for scale in scales:
            self._layouts[scale.id] = lay_out(scale, self._width_px, self._height_px)
            for selected in (None, *range(scale.minimum, scale.maximum + 1)):
                view = View("rating", scale_id=scale.id, selected=selected)
                self._upload(view, self._painter.sprite(view, scale))
        for view in (View("fixation"), *(View("text", text=t) for t in texts.screens())):
            self._upload(view, self._painter.sprite(view))
        # Drawing once brings the textures to the card; then nothing may stop the process for a collection:
        # a full one stalls it by 75 to 119 ms (measured).
        for image in self._stimuli.values():
            image.draw()
        self._window.clearBuffer()
        self.flip(View("blank"))
        gc.collect()
        gc.freeze()
        gc.disable()

    def flip(self, view: View) -> float:
        """Draw a view and return the LSL time of the flip that showed it, in seconds."""
        self._draw(view)
        self._shoot(view)
        self._window.mouseVisible = view.kind == "rating"
        self._view = view
        return self._flip_window()

    def wait(self, until_s: float) -> bool:
        """Let one refresh pass; without a vertical blank, sleep a little instead of drawing."""
        now_s = self._clock.now()
        if not self.info.has_vsync:
            if until_s - now_s <= _DUE_S:
                return False
            self._clock.sleep(min(_POLL_S, until_s - now_s))
            if self._is_stale and until_s - now_s > 10 * _POLL_S:
                self._redraw()
            return True
        period_s = 1 / self.info.refresh_hz
        n_periods = max(1, math.ceil((now_s - self._last_flip_s) / period_s))
        if self._last_flip_s + n_periods * period_s >= until_s - period_s / 2:
            return False
        self._redraw()
        return True

    def poll(self) -> list[Input]:
        """Take keys and clicks."""
        self._window.winHandle.dispatch_events()
        return self._inputs.take()

    def put(self, entry: Input) -> None:
        """Queue an input."""
        self._inputs.put(entry)

    def housekeep(self) -> None:
        """Collect garbage now, when no flip is waited for."""
        gc.collect()
        self._log.interrupt()

    def cue(self) -> None:
        """Sound a short tone through pyglet; silent where there is no loudspeaker."""
        with contextlib.suppress(Exception):
            self._tone.play()

    def report(self) -> FrameReport:
        """How regular the refreshes were."""
        return self._log.report("measured at the vertical blank" if self.info.has_vsync else "software timing only")

    def close(self) -> None:
        """Close the window; the process' end takes away what PsychoPy leaves mapped."""
        gc.enable()
        self._window.close()

    def capture(self, view: View) -> Image.Image:
        """Draw a view without showing it and return what would have been shown."""
        self._draw(view)
        frame = self._back_buffer()
        self._window.clearBuffer()
        return frame

    # Window and inputs ------------------------------------------------------------------------------
    def _open_window(self) -> Any:
        if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
            raise ProcessError(
                "There is no display for the participant's screen; connect one and set DISPLAY, or choose the "
                "headless screen for a trial run without a participant."
            )
        _prepare_environment(user_cache() / "presenter")
        choice = self._choice
        try:
            # Asked before PsychoPy loads, which takes seconds: a missing screen is told at once.
            import pyglet  # type: ignore[import-untyped]

            pyglet.options["debug_gl"] = False
            screens = pyglet.canvas.get_display().get_screens()
            if not 0 <= choice.index < len(screens):
                raise ProcessError(
                    f"Screen {choice.index + 1} was chosen for the participant and this computer shows {len(screens)}; "
                    "connect it or choose another screen."
                )
            from psychopy import logging

            logging.console.setLevel(logging.CRITICAL)
            from psychopy import core, monitors, visual
        except ProcessError:
            raise
        except Exception as error:
            reason = str(error) or type(error).__name__
            raise ProcessError(
                f"The participant's screen cannot be opened ({reason}); `veridical doctor` says what is missing."
            ) from error
        screen = screens[choice.index]
        size = (screen.width, screen.height) if choice.fullscreen else (choice.width_px, choice.height_px)
        monitor = monitors.Monitor("participant", width=choice.width_cm, distance=choice.distance_cm, autoLog=False)
        monitor.setSizePix((screen.width, screen.height))
        self._core = core
        self._visual = visual
        self._tone = _make_tone()
        return visual.Window(
            size=size,
            fullscr=choice.fullscreen,
            screen=choice.index,
            winType="pyglet",
            title=_TITLE,
            units="pix",
            color=GREY,
            colorSpace="rgb255",
            monitor=monitor,
            allowGUI=not choice.fullscreen,
            checkTiming=False,
            gammaErrorPolicy="ignore",
            autoLog=False,
        )

    def _measure_refresh_hz(self) -> float | None:
        """Measure the refresh rate; None if flips do not wait for a vertical blank.

        A rate alone does not tell: a busy machine without a vertical blank may flip at any rate. So some flips
        are delayed by part of a period, which a vertical blank absorbs and a free loop does not.
        """
        for _ in range(_N_WARM_UP):
            self._window.flip()
        period_s = self._median_interval_s(0.0)
        delayed_s = self._median_interval_s(_DELAY_SHARE * period_s)
        is_rate_possible = _SLOWEST_HZ < 1 / period_s < _FASTEST_HZ
        is_held = delayed_s < (1 + _DELAY_SHARE / 2) * period_s
        return 1 / period_s if is_rate_possible and is_held else None

    def _median_interval_s(self, delay_s: float) -> float:
        flips = []
        for _ in range(_N_MEASURED):
            flips.append(float(self._window.flip()))
            self._clock.sleep(delay_s)
        return float(np.median(np.diff(flips)))

    def _listen(self) -> None:
        """Take keys and clicks from the window itself: PsychoPy's buffers know no releases."""
        from pyglet.window import key  # type: ignore[import-untyped]

        names = {
            key.LEFT: "left", key.RIGHT: "right", key.RETURN: "return", key.ENTER: "return", key.NUM_ENTER: "return",
            key.SPACE: "space", key.ESCAPE: "escape",
        }  # fmt: skip
        for digit in range(10):
            names[getattr(key, f"_{digit}")] = names[getattr(key, f"NUM_{digit}")] = str(digit)

        def on_key_press(symbol: int, modifiers: int) -> bool:
            if symbol in names:
                self.put(Input("press", self._clock.now(), names[symbol]))
            return True

        def on_key_release(symbol: int, modifiers: int) -> bool:
            if symbol in names:
                self.put(Input("release", self._clock.now(), names[symbol]))
            return True

        def on_mouse_press(x: int, y: int, button: int, modifiers: int) -> bool:
            handle = self._window.winHandle
            self._point(x * self._width_px / handle.width, self._height_px - y * self._height_px / handle.height)
            return True

        def on_expose() -> bool:
            self._is_stale = True
            return True

        def on_close() -> bool:
            # Only the operator ends a session; a participant stops by holding Escape.
            return True

        self._window.winHandle.push_handlers(on_key_press, on_key_release, on_mouse_press, on_expose, on_close)

    def _point(self, x: float, y: float) -> None:
        """Turn a click, in pixels from the top left, into an input of the view that is shown."""
        now_s = self._clock.now()
        if self._view.kind == "text":
            self.put(Input("confirm", now_s, device="mouse"))
        elif self._view.kind == "rating":
            layout = self._layouts[self._view.scale_id]
            step = layout.step_at(x, y)
            if step is not None:
                self.put(Input("step", now_s, step=step, device="mouse"))
            elif layout.is_on_button(x, y):
                self.put(Input("confirm", now_s, device="mouse"))

    # Drawing ----------------------------------------------------------------------------------------
    def _upload(self, view: View, sprite: Sprite | None) -> None:
        if sprite is None:
            return
        width, height = sprite.image.size
        centre = (sprite.left + width / 2 - self._width_px / 2, self._height_px / 2 - sprite.top - height / 2)
        self._stimuli[_key(view)] = self._visual.ImageStim(
            self._window, image=sprite.image, size=(width, height), pos=centre, units="pix", autoLog=False
        )

    def _make_corners(self) -> dict[bool, Any]:
        """The photodiode's square, dark and bright."""
        side = round(0.05 * self._height_px)
        centre = (side / 2 - self._width_px / 2, side / 2 - self._height_px / 2)
        return {
            is_bright: self._visual.ImageStim(
                self._window,
                image=Image.new("RGB", (side, side), (255, 255, 255) if is_bright else (0, 0, 0)),
                size=(side, side),
                pos=centre,
                units="pix",
                autoLog=False,
            )
            for is_bright in (False, True)
        }

    def _draw(self, view: View) -> None:
        if view.kind != "blank":
            if view.kind == "text" and _key(view) not in self._stimuli:
                self._upload(view, self._painter.sprite(view))
            try:
                self._stimuli[_key(view)].draw()
            except Exception as error:
                self._window.clearBuffer()
                raise StimulusError(f"The {view.kind} {view.stimulus_id} cannot be drawn ({error}).") from error
        self._corners[view.corner].draw()

    def _redraw(self) -> None:
        self._draw(self._view)
        self._flip_window()

    def _flip_window(self) -> float:
        flipped = self._window.flip()
        self._is_stale = False
        # The flip's own stamp, moved from PsychoPy's clock to LSL's; pushing at once would be 32 us late.
        self._last_flip_s = float(flipped + (self._clock.now() - self._core.getTime()))
        self._log.add(self._last_flip_s)
        return self._last_flip_s

    def _back_buffer(self) -> Image.Image:
        """Read what was drawn; the front buffer reads black under Xvfb."""
        frame: Image.Image = self._window.getMovieFrame(buffer="back").convert("RGB")
        self._window.movieFrames.clear()
        return frame

    def _shoot(self, view: View) -> None:
        """Save the drawn view before its flip, once."""
        name = "-".join(str(p) for p in (view.kind, view.stimulus_id or view.scale_id, view.selected) if p)
        if view.kind == "text":
            name = f"text-{view.text.split(chr(10))[0][:24].strip().replace(' ', '_')}"
        if self._screenshots is None or name in self._shots:
            return
        self._shots.add(name)
        self._screenshots.mkdir(parents=True, exist_ok=True)
        self._back_buffer().save(self._screenshots / f"{name}.png")


def _key(view: View) -> _SpriteKey:
    return view.kind, view.text or view.stimulus_id or view.scale_id, view.selected


def _prepare_environment(home: Path) -> None:
    """Give PsychoPy a home of ours before it is imported: it writes settings, logs and caches there."""
    # The X server's key lies in the true home.
    authority = Path.home() / ".Xauthority"
    if "XAUTHORITY" not in os.environ and authority.exists():
        os.environ["XAUTHORITY"] = str(authority)
    home.mkdir(parents=True, exist_ok=True)
    for name in ("HOME", "USERPROFILE", "APPDATA"):
        os.environ[name] = str(home)
    os.environ["PSYCHOPYNOPACKAGES"] = "1"


def _make_tone() -> Any:
    """Make the tone that ends a rest with closed eyes: pyglet is loaded already and needs no sound library."""
    from pyglet import media

    return media.StaticSource(media.synthesis.Sine(_TONE_S, frequency=_TONE_HZ))

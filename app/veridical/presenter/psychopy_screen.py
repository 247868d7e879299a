"""The real screen: PsychoPy draws, times and listens. The only importer of psychopy.

What PsychoPy is known to do wrong is met here: it writes under HOME, logs to stdout, raises at import
without a display, and covers the operator's screen when the chosen one does not exist.
"""

import contextlib
import gc
import math
import os
import sys
from collections.abc import Iterator, Sequence
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
from veridical.presenter.clip_files import check_clip, clip_words
from veridical.presenter.clock import Clock
from veridical.presenter.film import Film, largest_frame
from veridical.presenter.loudspeaker import Loudspeaker
from veridical.presenter.picture_files import GREY, load_picture
from veridical.presenter.scale_layout import Layout, is_inside, lay_out_view
from veridical.presenter.screen import Device, Input, InputQueue, ScreenInfo
from veridical.presenter.texts import Texts
from veridical.presenter.timing import FrameLog, FrameReport
from veridical.presenter.view_painter import Layer, Sprite, ViewPainter, fit_inside
from veridical.storage.clip_decoding import decode_frames, decode_sound

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
        self._stimuli: dict[Layer, Any] = {}
        self._clips: dict[str, Stimulus] = {}
        self._film: Film | None = None
        self._film_s = 0.0
        self._loudspeaker = Loudspeaker(clock.now)
        self._is_armed = False
        self._is_muted = False
        self._pointer: Device = "touch" if choice.is_touch else "mouse"
        self._held_key = ""
        self._dragged = ""
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

    def preload(
        self, stimuli: Sequence[Stimulus], scales: Sequence[Scale], texts: Texts, glances: Sequence[str] = ()
    ) -> None:
        """Decode, paint and upload everything, but only look at clips; StimulusError for the first that fails."""
        self._painter = ViewPainter(self._width_px, self._height_px, self._choice.width_cm, texts, scales)
        for stimulus in stimuli:
            if stimulus.kind != "image":
                check_clip(stimulus)
                self._clips[stimulus.id] = stimulus
                continue
            picture = load_picture(stimulus)
            for layer in (Layer("picture", stimulus.id), *([Layer("glance", stimulus.id)] * (stimulus.id in glances))):
                self._upload(layer, self._painter.sprite_of(layer, picture))
        words = (Layer("text", text) for text in texts.screens())
        for layer in (Layer("fixation"), *words, *self._painter.layers_of_scales(has_glances=bool(glances))):
            if layer not in self._stimuli:
                self._upload(layer, self._painter.sprite_of(layer))
        # Drawing once brings the textures to the card; then nothing may stop the process for a collection:
        # a full one stalls it by 75 to 119 ms (measured).
        for image in self._stimuli.values():
            image.draw()
        self._window.clearBuffer()
        self.flip(View("blank"))
        gc.collect()
        gc.freeze()
        gc.disable()

    def prepare(self, stimulus_id: str, length_s: float) -> Iterator[None]:
        """Bring a video frame by frame to the graphics card and its sound to the loudspeaker's door."""
        self._let_go_of_clip()
        self._film_s = math.inf
        self._is_muted = False
        clip = self._clips[stimulus_id]
        file, what = Path(clip.file), clip_words(clip)
        if clip.kind == "video":
            facts = check_clip(clip)
            yield
            assert facts.width_px is not None
            assert facts.height_px is not None
            width, height, left, top = fit_inside((facts.width_px, facts.height_px), self._width_px, self._height_px)
            box = (left - self._width_px / 2, self._height_px / 2 - top - height)
            self._film = Film(clip.id, (*box, box[0] + width, box[1] + height))
            # 30 frames a second are assumed: what is known is the length.
            largest = largest_frame(width, height, round(30 * min(length_s, facts.duration_s or length_s)))
            yield from self._film.take(decode_frames(file, what, length_s, largest), self._window)
        sound = decode_sound(file, what, length_s)
        yield
        if sound is not None:
            try:
                self._loudspeaker.load(sound, what)
            except StimulusError:
                # A film can be seen without its sound; a sound cannot.
                if clip.kind == "audio":
                    raise
                self._is_muted = True

    def arm(self, lsl_s: float) -> None:
        """Let the prepared sound begin."""
        if self._loudspeaker.is_loaded:
            self._loudspeaker.play_at(lsl_s)
            self._is_armed = True

    @property
    def sound_started_s(self) -> float | None:
        """When the device let the sound out."""
        return self._loudspeaker.started_s

    @property
    def is_muted(self) -> bool:
        """Whether the prepared video's sound found no loudspeaker."""
        return self._is_muted

    def flip(self, view: View) -> float:
        """Draw a view and return the LSL time of the flip that showed it, in seconds."""
        if not view.is_clip and self._is_armed:
            # The clip is over, or was interrupted before it began.
            self._loudspeaker.stop()
            self._is_armed = False
        # The first frame waits for its flip.
        self._film_s = math.inf
        self._draw(view)
        self._shoot(view)
        self._window.mouseVisible = view.is_rating and self._pointer == "mouse"
        if view.is_rating != self._view.is_rating or view.scale_id != self._view.scale_id:
            self._dragged = ""
        self._view = view
        flip_s = self._flip_window()
        self._film_s = flip_s
        return flip_s

    def wait(self, until_s: float) -> bool:
        """Let one refresh pass; without a vertical blank, sleep a little instead of drawing."""
        now_s = self._clock.now()
        if not self.info.has_vsync:
            if until_s - now_s <= _DUE_S:
                return False
            self._clock.sleep(min(_POLL_S, until_s - now_s))
            if self._is_frame_due():
                self._redraw()
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
        self._let_go_of_clip()
        gc.collect()
        self._log.interrupt()

    def cue(self) -> None:
        """Sound a short tone through pyglet; silent where there is no loudspeaker."""
        with contextlib.suppress(Exception):
            self._tone.play()

    def report(self) -> FrameReport:
        """How regular the refreshes were."""
        return self._log.report("measured at the vertical blank" if self.info.has_vsync else "software timing only")

    def hand_over(self) -> None:
        """Hide the window, so that the operator's comes to light."""
        self._window.winHandle.set_visible(False)

    def take_back(self) -> None:
        """Show the window again, in front, with the keyboard."""
        self._window.winHandle.set_visible(True)
        self._window.winHandle.activate()

    def close(self) -> None:
        """Close the window; the process' end takes away what PsychoPy leaves mapped."""
        gc.enable()
        self._let_go_of_clip()
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
            key.SPACE: "space", key.ESCAPE: "escape", key.UP: "up", key.DOWN: "down", key.HOME: "home", key.END: "end",
            key.PAGEUP: "pageup", key.PAGEDOWN: "pagedown", key.TAB: "tab", key.BACKSPACE: "backspace",
        }  # fmt: skip
        for digit in range(10):
            names[getattr(key, f"_{digit}")] = names[getattr(key, f"NUM_{digit}")] = str(digit)

        def on_key_press(symbol: int, modifiers: int) -> bool:
            if symbol in names:
                self._held_key = names[symbol]
                self.put(Input("press", self._clock.now(), names[symbol]))
            return True

        def on_key_release(symbol: int, modifiers: int) -> bool:
            self._held_key = ""
            if symbol in names:
                self.put(Input("release", self._clock.now(), names[symbol]))
            return True

        def on_text_motion(motion: int) -> bool:
            # The first one echoes the press; the next are the system's repeats of a key that is held.
            name = names.get(motion, "")
            if name and name == self._held_key:
                self._held_key = f"{name}, repeating"
            elif name and self._held_key == f"{name}, repeating":
                self.put(Input("press", self._clock.now(), name))
            return True

        def on_text(text: str) -> bool:
            # Only where letters are asked for: a digit on a scale is a key press and nothing else.
            if self._view.kind == "rating" and self._painter.scales[self._view.scale_id].kind == "text":
                for letter in text:
                    self.put(Input("text", self._clock.now(), letter))
            return True

        def on_mouse_press(x: int, y: int, button: int, modifiers: int) -> bool:
            self._point(*self._pixel(x, y))
            return True

        def on_mouse_drag(x: int, y: int, dx: int, dy: int, buttons: int, modifiers: int) -> bool:
            self._drag(self._pixel(x, y)[0])
            return True

        def on_mouse_release(x: int, y: int, button: int, modifiers: int) -> bool:
            self._dragged = ""
            return True

        def on_expose() -> bool:
            self._is_stale = True
            return True

        def on_close() -> bool:
            # Only the operator ends a session; a participant stops by holding Escape.
            return True

        self._window.winHandle.push_handlers(
            on_key_press, on_key_release, on_text, on_text_motion, on_mouse_press, on_mouse_drag, on_mouse_release,
            on_expose, on_close,
        )  # fmt: skip

    def _pixel(self, x: int, y: int) -> tuple[float, float]:
        """Turn the window's coordinates into pixels from the top left."""
        handle = self._window.winHandle
        return x * self._width_px / handle.width, self._height_px - y * self._height_px / handle.height

    def _layout(self) -> Layout:
        return lay_out_view(self._view, self._painter.scales, self._width_px, self._height_px)

    def _point(self, x: float, y: float) -> None:
        """Turn a pointer that goes down, in pixels from the top left, into an input of the view that is shown."""
        now_s = self._clock.now()
        if self._view.kind == "text":
            self.put(Input("confirm", now_s, device=self._pointer))
        elif self._view.is_rating:
            layout = self._layout()
            target = layout.target_at(x, y)
            if target is not None:
                self._dragged = target.scale_id
                self.put(Input("step", now_s, step=target.step, device=self._pointer, scale_id=target.scale_id))
            elif is_inside(layout.button, x, y):
                self.put(Input("confirm", now_s, device=self._pointer))

    def _drag(self, x: float) -> None:
        """Let a slider that is held follow the pointer."""
        if not self._dragged or self._view.kind != "sliders":
            return
        target = self._layout().drag_to(self._dragged, x)
        if target is not None:
            now_s = self._clock.now()
            self.put(
                Input("step", now_s, step=target.step, device=self._pointer, scale_id=target.scale_id, is_drag=True)
            )

    # Drawing ----------------------------------------------------------------------------------------
    def _upload(self, layer: Layer, sprite: Sprite) -> None:
        width, height = sprite.image.size
        centre = (sprite.left + width / 2 - self._width_px / 2, self._height_px / 2 - sprite.top - height / 2)
        self._stimuli[layer] = self._visual.ImageStim(
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

    def _is_frame_due(self) -> bool:
        is_film = self._view.kind == "video" and self._film is not None
        return is_film and self._film is not None and self._film.is_due(self._clock.now() - self._film_s)

    def _let_go_of_clip(self) -> None:
        """Silence, and room on the card for the next one."""
        self._loudspeaker.stop()
        if self._film is not None:
            self._film.close()
            self._film = None

    def _draw_film(self, view: View) -> None:
        if self._film is None or self._film.stimulus_id != view.stimulus_id:
            raise StimulusError(f"The video {view.stimulus_id} was not prepared; import the set again.")
        elapsed_s = 0.0 if math.isinf(self._film_s) else self._next_flip_s() - self._film_s
        self._film.draw(self._window, elapsed_s)

    def _next_flip_s(self) -> float:
        """When what is drawn now will be seen: a refresh after the last one, or at once without a vertical blank."""
        if not self.info.has_vsync:
            return self._clock.now()
        return max(self._clock.now(), self._last_flip_s + 1 / self.info.refresh_hz)

    def _draw(self, view: View) -> None:
        if view.kind == "video":
            self._draw_film(view)
        for placed in self._painter.layers(view) if view.kind != "blank" else ():
            layer = placed.layer
            try:
                if layer not in self._stimuli and layer.kind not in ("picture", "glance"):
                    self._upload(layer, self._painter.sprite_of(layer))
                stimulus = self._stimuli[layer]
                if placed.centre is not None:
                    # Whole pixels: a thumb between two of them would be blurred.
                    x, y = (round(v) for v in placed.centre)
                    stimulus.pos = (x - self._width_px / 2, self._height_px / 2 - y)
                stimulus.draw()
            except Exception as error:
                self._window.clearBuffer()
                raise StimulusError(f"The {view.kind} {view.stimulus_id} cannot be drawn ({error}).") from error
            if not layer.is_kept:
                self._let_go(layer)
        self._corners[view.corner].draw()

    def _let_go(self, newest: Layer) -> None:
        """Free the card of what was typed before."""
        for layer in [k for k in self._stimuli if not k.is_kept and k != newest]:
            self._stimuli.pop(layer).clearTextures()

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
        ids = "-".join(i for i in (view.stimulus_id, view.scale_id, *(s.scale_id for s in view.sliders)) if i)
        steps = "-".join("x" if s.step is None else str(s.step) for s in view.sliders)
        name = "-".join(str(p) for p in (view.kind, ids, view.selected, steps, len(view.text)) if p)
        if view.kind == "text":
            name = f"text-{view.text.split(chr(10))[0][:24].strip().replace(' ', '_')}"
        if self._screenshots is None or name in self._shots:
            return
        self._shots.add(name)
        self._screenshots.mkdir(parents=True, exist_ok=True)
        self._back_buffer().save(self._screenshots / f"{name}.png")


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


def open_parallel_port(address: str | int) -> Any:
    """Open a parallel port with PsychoPy's driver; whatever the driver raises if there is none."""
    _prepare_environment(user_cache() / "presenter")
    from psychopy import parallel

    if not hasattr(parallel, "ParallelPort") or parallel.ParallelPort is None:
        raise OSError("no driver for parallel ports on this system")
    return parallel.ParallelPort(address=address)


def _make_tone() -> Any:
    """Make the tone that ends a rest with closed eyes: pyglet is loaded already and needs no sound library."""
    from pyglet import media

    return media.StaticSource(media.synthesis.Sine(_TONE_S, frequency=_TONE_HZ))

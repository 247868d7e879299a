"""The presenter's parts on their own: one scale's answer, words, layout, painting, pictures, frame timing."""

import io
import json
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from veridical.domain.errors import StimulusError, StudyError
from veridical.domain.items import BUILT_IN, DOMINANCE, EMOTION
from veridical.domain.rating import AROUSAL, SLIDERS, VALENCE, Scale
from veridical.domain.simulation import Feeling, rating_of
from veridical.domain.stimulus import Stimulus
from veridical.domain.view import SliderView, View
from veridical.paths import resources
from veridical.presenter.picture_files import GREY, load_picture
from veridical.presenter.rating_entry import RatingEntry
from veridical.presenter.scale_layout import lay_out
from veridical.presenter.screen import Input, InputQueue
from veridical.presenter.simulated_participant import SimulatedParticipant
from veridical.presenter.texts import load_texts
from veridical.presenter.timing import FrameLog, PictureTiming, summarise
from veridical.presenter.view_painter import INK, ViewPainter

LONG = Scale("confidence", "How sure are you?", "not at all", "half", "fully", 0, 100)


def answer(scale: Scale, *inputs: Input) -> RatingEntry:
    """Give inputs to a scale that appeared at 10 s."""
    entry = RatingEntry(scale, 10.0, 0)
    for one in inputs:
        entry = entry.take(one)
    return entry


def press(key: str, lsl_s: float) -> Input:
    return Input("press", lsl_s, key)


# One scale -----------------------------------------------------------------------------------------
def test_a_digit_and_enter_answer_a_scale() -> None:
    rating = answer(VALENCE, press("6", 11.5), press("return", 12.0)).timed_out()
    assert (rating.value, rating.status, rating.first_touch_s, rating.submit_s) == (6, "answered", 1.5, 2.0)
    assert (rating.n_changes, rating.device, rating.minimum, rating.maximum) == (0, "keyboard", 1, 7)


def test_enter_without_a_choice_submits_nothing() -> None:
    assert not answer(VALENCE, press("return", 11.0), press("space", 11.1)).is_submitted


def test_changes_count_only_when_the_choice_changes() -> None:
    entry = answer(VALENCE, *(press(k, 11.0) for k in ("2", "2", "3", "2")))
    assert (entry.selected, entry.n_changes) == (2, 2)


def test_arrows_start_in_the_middle_and_stop_at_the_ends() -> None:
    assert answer(VALENCE, press("left", 11)).selected == 4
    assert answer(VALENCE, press("right", 11)).selected == 4
    assert answer(VALENCE, *(press("right", 11) for _ in range(9))).selected == 7
    assert answer(VALENCE, *(press("left", 11) for _ in range(9))).selected == 1


def test_the_mouse_points_at_a_step_and_clicks_the_button() -> None:
    step = Input("step", 11.0, step=3, device="mouse")
    rating = answer(VALENCE, step, Input("confirm", 12.0, device="mouse")).timed_out()
    assert (rating.value, rating.device, rating.status) == (3, "mouse", "answered")


@pytest.mark.parametrize("key", ["8", "9", "0"])
def test_digits_outside_the_scale_mean_nothing(key: str) -> None:
    assert answer(VALENCE, press(key, 11)).selected is None


def test_a_key_pressed_at_the_picture_is_no_answer_to_the_scale() -> None:
    assert answer(VALENCE, press("7", 9.99)).selected is None


def test_nothing_changes_after_the_answer_was_confirmed() -> None:
    entry = answer(VALENCE, press("6", 11), press("return", 12), press("1", 13))
    assert entry.selected == 6


def test_a_choice_that_was_not_confirmed_is_no_value() -> None:
    rating = answer(VALENCE, press("6", 11)).timed_out()
    assert (rating.value, rating.status, rating.first_touch_s) == (None, "timed_out", 1.0)
    assert answer(VALENCE).timed_out().status == "untouched"
    assert answer(VALENCE, press("6", 11)).rating("skipped").status == "skipped"


# The simulated participant ---------------------------------------------------------------------------
class Keys:
    """Takes the participant's key presses."""

    def __init__(self) -> None:
        self.queue = InputQueue()

    def put(self, entry: Input) -> None:
        self.queue.put(entry)


@pytest.mark.parametrize("scale", [VALENCE, AROUSAL, LONG])
def test_the_simulated_participant_reaches_the_value_it_means_on_any_scale(scale: Scale) -> None:
    keys = Keys()
    stimulus = Stimulus("a", "a.png", valence_mean=6.0, arousal_mean=5.0)
    person = SimulatedParticipant(keys, 3, {"a": stimulus}, {scale.id: scale}, is_hurried=True)  # type: ignore[arg-type]
    person.see(View("picture", stimulus_id="a"), 9.0)
    person.see(View("rating", scale_id=scale.id), 10.0)
    person.act(60.0)
    pressed = [i for i in keys.queue.take() if i.kind == "press"]
    entry = answer(scale, *pressed)
    assert entry.is_submitted
    feeling = person._feeling
    means = [rating_of(scale, feeling, np.random.default_rng(k)) for k in range(200)]
    assert min(means) <= (entry.selected or 0) <= max(means)


def test_the_simulated_participant_presses_nothing_before_its_time() -> None:
    keys = Keys()
    person = SimulatedParticipant(keys, 3, {}, {"valence": VALENCE}, is_hurried=False)  # type: ignore[arg-type]
    person._feeling = Feeling(0.5, 0.0)
    person.see(View("rating", scale_id="valence"), 10.0)
    person.act(10.29)
    assert keys.queue.take() == []
    person.act(11.0)
    assert keys.queue.take()


# Words -----------------------------------------------------------------------------------------------
def test_every_language_words_the_same_screens_in_under_40_words() -> None:
    files = sorted((resources() / "texts").glob("*.toml"))
    assert {f.stem for f in files} >= {"en", "de", "ja"}
    keys = set(load_texts({}).words)
    for file in files:
        texts = load_texts({"language": file.stem})
        assert set(texts.words) == keys
        assert all(0 < len(words.split()) < 40 for words in texts.words.values())
        assert set(tomllib.loads(file.read_text(encoding="utf-8"))) == keys | {"scales", "language"}
        assert set(texts.scales) == {s.id for s in BUILT_IN}
        # Written without blanks, two letters say about as much as a word of five.
        assert texts.has_spaces or all(len(words) < 100 for words in texts.words.values())


def test_the_studys_own_words_replace_the_shipped_ones() -> None:
    texts = load_texts({"break": "Drink some water."})
    assert texts.screen("break").startswith("Drink some water.\n\n")
    assert texts.get("debrief") == load_texts({}).get("debrief")


def test_a_translation_replaces_built_in_scales_and_keeps_a_researchers_own() -> None:
    texts = load_texts({"language": "de"})
    assert texts.translate(VALENCE).high == "sehr positiv"
    ours = Scale("calm", "Wie ruhig sind Sie?", "not at all", "", "fully")
    assert texts.translate(ours) == ours
    assert load_texts({}).translate(VALENCE) == VALENCE
    # A question worded anew keeps its words, and the ends that nobody touched are not left in English beside it.
    own = texts.translate(replace(VALENCE, question="Wie fühlen Sie sich jetzt?"))
    assert (own.question, own.low, own.high) == ("Wie fühlen Sie sich jetzt?", "sehr negativ", "sehr positiv")
    named = replace(EMOTION, options=("calm", "tense"))
    assert texts.translate(named).option_words == ()


def test_an_unknown_language_is_named_with_those_there_are() -> None:
    with pytest.raises(StudyError, match=r"'xx'.*de, en, ja"):
        load_texts({"language": "xx"})


# Layout and painting -----------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [(800, 600), (1280, 800), (1920, 1080), (3840, 2160), (2560, 1080)])
@pytest.mark.parametrize("maximum", [5, 7, 9, 11])
def test_every_step_lies_on_the_screen_and_answers_to_a_click_on_it(size: tuple[int, int], maximum: int) -> None:
    layout = lay_out(Scale("s", "?", "a", "b", "c", 1, maximum), *size)
    for value, x in layout.steps:
        assert layout.radius < x < size[0] - layout.radius
        assert layout.step_at(x + layout.radius * 0.9, layout.steps_y) == value
    left, top, right, bottom = layout.button
    assert layout.is_on_button((left + right) / 2, (top + bottom) / 2)
    assert layout.step_at((left + right) / 2, (top + bottom) / 2) is None
    assert bottom < size[1]


def test_letters_are_at_least_18_points_on_the_participants_screen() -> None:
    painter = ViewPainter(1920, 1080, 53.0, load_texts({}))
    point_px = 1920 / (53.0 / 2.54 * 72)
    assert min(f.size for f in painter.fonts) >= round(18 * point_px)


def test_a_picture_keeps_its_aspect_on_mid_grey() -> None:
    painter = ViewPainter(1280, 800, 53.0, load_texts({}))
    frame = np.asarray(
        painter.paint(View("picture", stimulus_id="a"), picture=Image.new("RGB", (500, 400), (255, 0, 0)))
    )
    red = np.argwhere((frame == (255, 0, 0)).all(axis=2))
    (top, left), (bottom, right) = red.min(axis=0), red.max(axis=0) + 1
    assert (right - left) / (bottom - top) == pytest.approx(500 / 400, rel=0.01)
    assert (left, top) == (1280 - right, 800 - bottom)
    assert (frame[:40, 640] == GREY).all()


def test_the_chosen_step_is_white_and_only_that(tmp_path: Path) -> None:
    painter = ViewPainter(1280, 800, 53.0, load_texts({}))
    layout = lay_out(VALENCE, 1280, 800)
    frame = painter.paint(View("rating", scale_id="valence", selected=6), VALENCE)
    for value, x in layout.steps:
        colour = frame.getpixel((round(x - layout.radius * 0.7), round(layout.steps_y)))
        assert isinstance(colour, tuple)
        assert (min(colour) > 240) == (value == 6)


def test_the_corner_square_is_black_or_white() -> None:
    painter = ViewPainter(1280, 800, 53.0, load_texts({}))
    for corner, expected in ((False, (0, 0, 0)), (True, (255, 255, 255))):
        assert painter.paint(View("blank", corner=corner)).getpixel((5, 795)) == expected


def test_words_have_a_contrast_of_4_5_to_1_at_least() -> None:
    def luminance(colour: tuple[int, int, int]) -> float:
        linear = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    assert (luminance(GREY) + 0.05) / (luminance(INK) + 0.05) >= 4.5


@pytest.mark.parametrize("language", ["en", "de", "ja"])
@pytest.mark.parametrize("size", [(1024, 600), (1280, 800), (1920, 1080)])
def test_every_text_and_question_fits_on_the_screen(language: str, size: tuple[int, int]) -> None:
    texts = load_texts({"language": language})
    sliders = tuple(
        replace(texts.translate(s), id=f"{s.id}-slider", kind=SLIDERS[1], minimum=0, maximum=1)
        for s in (VALENCE, AROUSAL, DOMINANCE)
    )
    scales = (*(texts.translate(s) for s in BUILT_IN), texts.attention_scale(5), *sliders)
    painter = ViewPainter(*size, 53.0, texts, scales)
    views = [View("text", text=t) for t in texts.screens()]
    views += [View("rating", scale_id=s.id) for s in scales if not s.is_slider]
    views += [View("sliders", sliders=tuple(SliderView(s.id) for s in sliders[:n])) for n in (1, 2, 3)]
    for view in views:
        for placed in painter.layers(view):
            sprite = painter.sprite_of(placed.layer)
            assert sprite.left > 0.02 * size[0]
            assert sprite.top > 0.02 * size[1]
            assert sprite.left + sprite.image.width < 0.98 * size[0]
            assert sprite.top + sprite.image.height < 0.98 * size[1]


# Pictures ------------------------------------------------------------------------------------------------
def test_a_png_that_calls_itself_jpg_shows_the_screens_grey_through_its_holes(tmp_path: Path) -> None:
    file = tmp_path / "odd.jpg"
    buffer = io.BytesIO()
    Image.new("RGBA", (10, 8), (255, 0, 0, 0)).save(buffer, "PNG")
    file.write_bytes(buffer.getvalue())
    picture = load_picture(Stimulus("odd", str(file)))
    assert (picture.mode, picture.getpixel((5, 5))) == ("RGB", GREY)


def test_a_picture_is_turned_upright_as_its_exif_says(tmp_path: Path) -> None:
    file = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(file, exif=exif)
    assert load_picture(Stimulus("turned", str(file))).size == (20, 40)


def test_what_is_no_picture_is_refused_in_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "text.jpg"
    file.write_text("hello")
    with pytest.raises(StimulusError, match=r"text\.jpg.*replace the file"):
        load_picture(Stimulus("t", str(file)))
    with pytest.raises(StimulusError, match="only pictures"):
        load_picture(Stimulus("v", str(file), kind="video"))


# Frames --------------------------------------------------------------------------------------------------
def test_frame_statistics_agree_with_numpy_and_a_dropped_frame_is_counted() -> None:
    log = FrameLog(60.0, has_vsync=True)
    intervals = [1 / 60] * 50 + [2 / 60] + [1 / 60] * 20
    flips = np.concatenate([[0.0], np.cumsum(intervals)])
    for flip in flips:
        log.add(float(flip))
    report = log.report("")
    assert (report.n_frames, report.n_dropped) == (71, 1)
    assert report.interval_mean_s == pytest.approx(np.mean(intervals))
    assert report.interval_sd_s == pytest.approx(np.std(intervals))
    assert report.interval_p99_s == pytest.approx(np.percentile(np.diff(flips), 99))


def test_pauses_for_housekeeping_are_no_dropped_frames() -> None:
    log = FrameLog(60.0, has_vsync=True)
    log.add(0.0)
    log.interrupt()
    log.add(0.5)
    assert (log.report("").n_frames, log.n_dropped) == (0, 0)


def test_duration_errors_are_absolute() -> None:
    pictures = tuple(PictureTiming(k, False, 0.0, 6.0, 6.0 + e) for k, e in enumerate((0.01, -0.03)))
    report = summarise(FrameLog(60.0, has_vsync=False).report(""), pictures)
    assert report.duration_error_mean_s == pytest.approx(0.02)
    assert report.duration_error_max_s == pytest.approx(0.03)


# The house -----------------------------------------------------------------------------------------------
def test_the_presenter_starts_light() -> None:
    code = "import json, sys, veridical.presenter.process; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert not loaded & {"scipy", "sklearn", "matplotlib", "psychopy", "PySide6", "PyQt6", "pyqtgraph"}


def test_bad_timing_is_said_in_words_and_good_timing_is_not() -> None:
    def picture(off_s: float) -> PictureTiming:
        return PictureTiming(1, False, 0.0, 1.0, 1.0 + off_s)

    log = FrameLog(60.0, has_vsync=True)
    for k in range(1000):
        log.add(k / 60)
    good = summarise(log.report(""), (picture(0.001),) * 20)
    assert good.problem == ""
    assert sum(n for _, n in good.frames.histogram) == 999
    assert good.frames.histogram[0][0] == pytest.approx(0.0165)
    assert "3 of 20 pictures were off" in summarise(log.report(""), (picture(0.03),) * 3 + (picture(0.0),) * 17).problem
    log.add(1000 / 60 + 0.15)
    assert "stood still for 167 ms" in summarise(log.report(""), ()).problem
    late = FrameLog(60.0, has_vsync=True)
    for k in range(100):
        late.add(k / 60 + (0.012 if k % 10 == 0 else 0))
    assert "9 of 99 frames came late" in summarise(late.report(""), ()).problem


def test_clips_without_sound_and_sounds_out_of_step_are_said_in_words() -> None:
    def clip(lag_s: float | None, *, is_muted: bool = False) -> PictureTiming:
        return PictureTiming(1, False, 0.0, 1.0, 1.0, lag_s, is_muted)

    frames = FrameLog(60.0, has_vsync=False).report("")
    assert summarise(frames, (clip(0.01), clip(0.1), clip(-0.04), clip(None))).problem == ""
    late = summarise(frames, (clip(0.01), clip(0.3), clip(-0.05))).problem
    assert "2 of 3 sounds did not begin with their clip, at worst 300 ms after it" in late
    muted = summarise(frames, (clip(None, is_muted=True),) * 2).problem
    assert "2 videos were shown without sound; connect a loudspeaker" in muted

"""Sliders, choices and free text: what every input does to an answer, and what is drawn."""

from dataclasses import replace

import numpy as np
import pytest
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from veridical.domain.event import Marker
from veridical.domain.items import BUILT_IN, COMMENT, EMOTION, of_kind
from veridical.domain.rating import AROUSAL, VALENCE, Rating, Scale
from veridical.domain.trial_table import parse_rating, rating_details
from veridical.domain.view import SliderView, View
from veridical.paths import resources
from veridical.presenter.rating_entry import MAX_CHARACTERS, RatingEntry
from veridical.presenter.rating_panel import RatingPanel
from veridical.presenter.scale_layout import lay_out_choice, lay_out_sliders, lay_out_view
from veridical.presenter.screen import Input
from veridical.presenter.texts import load_texts
from veridical.presenter.typeface import Typeface
from veridical.presenter.view_painter import ViewPainter
from veridical.storage.text_file import languages

SLIDER = of_kind(VALENCE, "affective-slider")
OTHER = of_kind(AROUSAL, "affective-slider")
ANALOGUE = replace(of_kind(VALENCE, "visual-analogue"), minimum=0, maximum=100, n_steps=200)


def answer(scale: Scale, *inputs: Input) -> RatingEntry:
    """Give inputs to a scale that appeared at 10 s."""
    entry = RatingEntry(scale, 10.0, 0)
    for one in inputs:
        entry = entry.take(one)
    return entry


def press(key: str, lsl_s: float = 11.0) -> Input:
    return Input("press", lsl_s, key)


def point(step: int, lsl_s: float = 11.0, scale: Scale = SLIDER, *, is_drag: bool = False) -> Input:
    return Input("step", lsl_s, step=step, device="mouse", scale_id=scale.id, is_drag=is_drag)


# Sliders ---------------------------------------------------------------------------------------------
def test_a_thumb_waits_in_the_middle_untouched_and_cannot_be_confirmed_there() -> None:
    entry = answer(SLIDER, press("return"), Input("confirm", 12.0, device="mouse"))
    assert (entry.selected, entry.is_submitted, entry.timed_out().status) == (None, False, "untouched")


def test_the_first_arrow_moves_one_step_from_the_middle_either_way() -> None:
    assert answer(SLIDER, press("right")).selected == 51
    assert answer(SLIDER, press("left")).selected == 49
    assert answer(SLIDER, press("left"), press("right")).selected == 50


@pytest.mark.parametrize(
    ("key", "expected"), [("home", 0), ("end", 100), ("pageup", 60), ("pagedown", 40), ("1", 0), ("5", 50), ("9", 100)]
)
def test_keys_take_the_thumb_far(key: str, expected: int) -> None:
    assert answer(SLIDER, press(key)).selected == expected


def test_a_movement_counts_once_however_many_steps_it_has() -> None:
    dragged = answer(SLIDER, point(20), *(point(k, 11.1, is_drag=True) for k in range(21, 60)))
    assert (dragged.selected, dragged.n_changes, dragged.first_touch_s) == (59, 0, 1.0)
    again = dragged.take(point(80, 13.0)).take(point(81, 13.1, is_drag=True))
    assert again.n_changes == 1
    held = answer(SLIDER, *(press("right", 11 + 0.05 * k) for k in range(20)))
    assert (held.selected, held.n_changes) == (70, 0)
    assert held.take(press("left", 14.0)).n_changes == 1


def test_the_value_lies_on_the_scales_own_range() -> None:
    assert answer(SLIDER, point(75), press("return", 12)).timed_out().value == 0.75
    assert answer(ANALOGUE, point(75), press("return", 12)).timed_out().value == 37.5
    rating = answer(ANALOGUE, point(200), press("return", 12)).timed_out()
    assert (rating.value, rating.minimum, rating.maximum, rating.device) == (100.0, 0.0, 100.0, "mouse")


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([SLIDER, ANALOGUE, EMOTION, COMMENT, VALENCE]),
    st.lists(
        st.one_of(
            st.sampled_from(
                [*"0123456789", "left", "right", "up", "down", "home", "end", "pageup", "backspace", "tab"]
            ).map(press),
            st.integers(-5, 300).map(point),
            st.characters().map(lambda c: Input("text", 11.0, c)),
            st.just(Input("release", 11.0, "1")),
        ),
        max_size=40,
    ),
)
def test_no_sequence_of_inputs_leaves_the_scale(scale: Scale, inputs: list[Input]) -> None:
    entry = answer(scale, *inputs, press("return", 12.0))
    rating = entry.timed_out()
    if rating.value is not None:
        assert rating.minimum <= rating.value <= rating.maximum
    assert (rating.value is not None or bool(rating.text)) == (rating.status == "answered")
    assert len(rating.text) <= MAX_CHARACTERS
    back = parse_rating(Marker.parse(Marker(f"rating/{scale.id}", rating_details(rating, 3)).encode()))
    assert replace(back, first_touch_s=None, submit_s=None) == replace(rating, first_touch_s=None, submit_s=None)


def test_affective_sliders_are_confirmed_together_and_only_when_both_were_touched() -> None:
    panel = RatingPanel.start((SLIDER, OTHER), 10.0, 0)
    assert panel.view() == View("sliders", sliders=(SliderView("valence"), SliderView("arousal")))
    panel = panel.take(point(30, 11.0)).take(press("return", 11.5))
    assert not panel.is_submitted
    panel = panel.take(press("down", 12.0)).take(press("right", 12.1))
    assert [e.selected for e in panel.entries] == [30, 51]
    panel = panel.take(press("return", 13.0))
    first, second = panel.ratings()
    assert (first.value, first.first_touch_s, first.submit_s, first.device, first.order) == (0.3, 1.0, 3.0, "mouse", 0)
    assert (second.value, second.submit_s, second.device, second.order) == (0.51, 3.0, "keyboard", 1)
    assert second.first_touch_s == pytest.approx(2.1)


def test_a_panel_whose_time_is_up_tells_touched_from_untouched() -> None:
    panel = RatingPanel.start((SLIDER, OTHER), 10.0, 2).take(point(30, 11.0))
    assert [r.status for r in panel.ratings()] == ["timed_out", "untouched"]
    assert [r.status for r in panel.ratings("skipped")] == ["skipped", "skipped"]
    assert [r.order for r in panel.ratings()] == [2, 3]


# Choices and words ---------------------------------------------------------------------------------------
def test_a_choice_stores_the_options_own_name_in_any_language() -> None:
    scale = load_texts({"language": "de"}).translate(EMOTION)
    assert scale.shown_options[3] == "Angst"
    rating = answer(scale, press("4"), press("space", 12)).timed_out()
    assert (rating.value, rating.text, rating.minimum, rating.maximum) == (4.0, "fear", 1.0, 8.0)


def test_arrows_walk_through_the_options_from_the_first() -> None:
    assert answer(EMOTION, press("down")).selected == 1
    assert answer(EMOTION, *(press("down") for _ in range(20))).selected == 8
    assert answer(EMOTION, *(press("down") for _ in range(3)), press("up")).selected == 2


def test_words_are_typed_taken_back_and_confirmed_with_enter_only() -> None:
    typed = [Input("text", 11.0 + k, c) for k, c in enumerate("a bü")]
    entry = answer(
        COMMENT, *typed, press("space", 15), press("backspace", 16), Input("text", 17, "e"), press("return", 18)
    )
    rating = entry.timed_out()
    assert (rating.text, rating.value, rating.status, rating.n_changes) == ("a be", None, "answered", 1)
    assert (rating.first_touch_s, rating.submit_s) == (1.0, 8.0)


def test_an_optional_question_left_empty_is_skipped_by_the_participant() -> None:
    rating = answer(COMMENT, press("return", 12.0)).timed_out()
    assert (rating.status, rating.text, rating.submit_s) == ("skipped", "", 2.0)
    required = replace(COMMENT, is_optional=False)
    assert not answer(required, press("return", 12.0)).is_submitted


# Layout and painting ---------------------------------------------------------------------------------------
SIZES = [(1024, 600), (1280, 800), (1920, 1080), (2560, 1080), (1080, 1920)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_pointer_reaches_every_step_of_every_slider_and_no_two_overlap(size: tuple[int, int], n: int) -> None:
    scales = tuple(replace(SLIDER, id=f"s{k}") for k in range(n))
    layout = lay_out_sliders(scales, *size)
    for row in layout.rows:
        for step in (0, 1, 50, 99, 100):
            target = layout.target_at(row.x_of(step), row.track_y)
            assert target is not None
            assert (target.scale_id, target.step) == (row.scale_id, step)
        far = layout.drag_to(row.scale_id, 10.0 * size[0])
        assert far is not None
        assert far.step == 100
    left, top, right, bottom = layout.button
    assert layout.target_at((left + right) / 2, top) is None
    assert bottom < size[1]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 12])
def test_a_pointer_reaches_every_option_and_no_two_overlap(size: tuple[int, int], n: int) -> None:
    scale = replace(EMOTION, options=tuple(f"o{k}" for k in range(n)))
    for has_picture in (False, True) if n <= 3 else (False,):
        layout = lay_out_choice(scale, *size, has_picture=has_picture)
        for k, (left, top, right, bottom) in enumerate(layout.boxes, start=1):
            assert 0 < left < right < size[0]
            hits = [layout.target_at(x, y) for x in (left + 1, right - 1) for y in (top + 1, bottom - 1)]
            assert [h.step for h in hits if h is not None] == [k] * 4
        assert max(box[3] for box in layout.boxes) < layout.button[1]
        assert layout.button[3] < size[1]


def test_the_thumb_is_grey_until_touched_and_white_where_it_was_put() -> None:
    painter = ViewPainter(1280, 800, 53.0, load_texts({}), (SLIDER, OTHER))
    view = View("sliders", sliders=(SliderView("valence", 80), SliderView("arousal")))
    frame = np.asarray(painter.paint(view))
    upper, lower = lay_out_sliders((SLIDER, OTHER), 1280, 800).rows
    assert frame[round(upper.track_y), round(upper.x_of(80))].min() > 240
    assert (frame[round(lower.track_y), round(lower.x_of(50))] == 128).all()
    assert (frame.max(axis=2) == frame.min(axis=2)).all(), "greyscale only"


def test_every_kind_of_question_has_a_layout_and_its_layers_are_prepared() -> None:
    scales = (VALENCE, EMOTION, COMMENT, SLIDER, replace(OTHER, id="second"))
    scales = (*scales[:3], replace(SLIDER, id="first"), scales[4])
    painter = ViewPainter(1280, 800, 53.0, load_texts({}), scales)
    ready = set(painter.layers_of_scales(has_glances=True))
    views = [View("rating", scale_id=s.id) for s in scales[:3]]
    views += [View("rating", scale_id="valence", selected=7), View("rating", scale_id="emotion", selected=8)]
    for order in (("first", "second"), ("second", "first")):
        for focus in (0, 1):
            views.append(View("sliders", sliders=tuple(SliderView(i, 3) for i in order), focus=focus, is_ready=True))
    for view in views:
        assert {p.layer for p in painter.layers(view)} <= ready
        assert lay_out_view(view, painter.scales, 1280, 800).button


@pytest.mark.parametrize("language", languages())
def test_every_letter_of_a_language_is_in_its_typeface(language: str) -> None:
    texts = load_texts({"language": language})
    face = Typeface(1280, 800, 53.0, texts)
    shown = "".join(texts.words.values())
    for scale in (texts.translate(s) for s in BUILT_IN):
        shown += scale.question + scale.low + scale.middle + scale.high + "".join(scale.shown_options)
    for font in (face.body, face.small, face.strong, face.number):
        glyphs = TTFont(str(font.path)).getBestCmap()
        assert not {c for c in shown if ord(c) not in glyphs and not c.isspace()}


def test_the_japanese_typeface_has_what_a_researcher_may_write() -> None:
    glyphs = TTFont(str(resources() / "fonts" / "NotoSansJP-Regular.otf")).getBestCmap()
    # JIS X 0208 as the codec of the standard library knows it.
    letters = [bytes([a, b]).decode("euc_jp", "ignore") for a in range(0xA1, 0xF5) for b in range(0xA1, 0xFF)]
    wanted = {ord(c) for c in letters if len(c) == 1}
    assert len(wanted) > 6800
    # Six marks have other code points in this typeface.
    assert len(wanted - set(glyphs)) <= 10


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs")), min_size=1, max_size=60)
)
def test_text_without_blanks_is_broken_without_losing_a_letter(text: str) -> None:
    face = Typeface(1280, 800, 53.0, load_texts({"language": "ja"}))
    lines = face.wrap(text, face.body, 200.0)
    assert "".join(lines) == text
    assert all(face.body.getlength(line) <= 200.0 or len(line) == 1 for line in lines)


def test_no_japanese_line_begins_with_a_mark() -> None:
    texts = load_texts({"language": "ja"})
    face = Typeface(1280, 800, 53.0, texts)
    for words in texts.words.values():
        for width in range(150, 900, 50):
            assert not any(line[0] in "、。ょっ」)" for line in face.wrap(words, face.body, width))


def test_a_rating_marker_carries_every_field_of_the_method() -> None:
    rating = Rating("valence", 0.5, 0, 1, 0.4, 1.2, 2, "touch", "answered", 1)
    assert rating_details(rating, 17, 4) == {
        "value": "0.5", "status": "answered", "trial": "17", "min": "0", "max": "1", "first": "0.4000", "rt": "1.2000",
        "changes": "2", "device": "touch", "order": "1", "repeat_of": "4",
    }  # fmt: skip


@pytest.mark.parametrize("language", ["en", "de", "ja"])
def test_lines_of_a_paragraph_are_about_as_wide_as_each_other(language: str) -> None:
    texts = load_texts({"language": language})
    face = Typeface(1280, 800, 53.0, texts)
    for words in (texts.get(key) for key in texts.screen_keys):
        for limit_px in (300.0, 640.0, 840.0):
            plain = face.wrap(words, face.body, limit_px)
            lines = face.balance(words, face.body, limit_px)
            gap = " " if texts.has_spaces else ""
            assert gap.join(lines) == gap.join(plain)
            assert len(lines) == len(plain)
            widths = [face.body.getlength(line) for line in lines]
            assert max(widths) <= max(map(face.body.getlength, plain))
            assert max(widths) <= max(limit_px, *map(face.body.getlength, words.split()))
            if limit_px > 600 and texts.has_spaces:
                assert widths[-1] > 0.4 * max(widths), lines

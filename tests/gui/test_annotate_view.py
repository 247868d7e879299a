"""What is painted of a recording: closed forms, gaps, every stream on its own times, marks, long windows, bad input."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QImage

from veridical.domain.annotation import Annotation
from veridical.domain.arrays import FloatArray
from veridical.domain.landmarks import Landmarks
from veridical.domain.progress import finish
from veridical.domain.timeline import Segment, Timeline
from veridical.domain.viewing import HeldSamples, SampleSource, ViewedSignal
from veridical.gui.annotate.band_painter import Band, BandPainter, heat_shades
from veridical.gui.annotate.bands import Window, place_bands
from veridical.gui.annotate.column_reader import ColumnReader, read_stretch
from veridical.gui.annotate.mark_table import MarkTable
from veridical.gui.annotate.view_settings import ViewSettings, lay_strips
from veridical.gui.common.raster import blend
from veridical.gui.common.tokens import DARK, LIGHT, argb
from veridical.signals.pyramid import Pyramid, PyramidLayout, build_pyramid_work
from veridical.signals.reference import Reference

GROUND, GRID = argb(LIGHT.sunken), argb(LIGHT.grid)
NO_MARKS = MarkTable.of((), lambda label: "#ff0000")


def signal(
    samples: Any, hz: float, role: Any = "EEG", segments: tuple[Segment, ...] = (), has_pyramid: bool = False
) -> ViewedSignal:
    """A signal in memory."""
    source: SampleSource = samples if not isinstance(samples, np.ndarray) else HeldSamples(samples)
    n_channels, n = source.shape
    timeline = Timeline(segments or (Segment(0, n, 0.0, 1 / hz),))
    labels = tuple(f"{role}{k}" for k in range(n_channels)) if n_channels > 1 else (role,)
    envelope = None
    if has_pyramid:
        layout = PyramidLayout.of(timeline, n_channels)
        pyramid = Pyramid(layout, np.full(layout.shape, np.nan, dtype=np.float32))
        envelope = finish(build_pyramid_work(pyramid, source))
    return ViewedSignal(role, "stream", labels, source, timeline, envelope)


def band_of(
    *signals: ViewedSignal,
    seconds: float = 10.0,
    start_s: float = 0.0,
    span: float = 100e-6,
    settings: ViewSettings | None = None,
    marks: MarkTable = NO_MARKS,
    landmarks: Landmarks | None = None,
) -> Band:
    """The main band of a canvas of 660 x 260 pixels, of which the traces take 500 x 204."""
    length_s = max(s.timeline.stop_s for s in signals)
    window = Window(
        signals, {s.role: span for s in signals}, start_s, seconds, length_s, marks, landmarks or Landmarks()
    )
    placed, problem = place_bands(window, settings or ViewSettings(), (660, 260), 1.0, LIGHT)
    assert not problem
    assert placed[0].band.shape == (204, 500)
    return placed[0].band


def pixels(image: QImage) -> Any:
    """Rows and columns of an image."""
    return np.frombuffer(image.constBits(), dtype=np.uint32).reshape(image.height(), image.width()).copy()


def traced(image: QImage, role: str = "EEG") -> Any:
    """Which pixels have a role's colour."""
    return pixels(image) == argb(LIGHT.role(role))


def test_a_square_wave_is_painted_where_arithmetic_says() -> None:
    values = np.where(np.arange(5000) // 500 % 2, 25e-6, -25e-6).astype(np.float32)[None]
    seen = traced(BandPainter().paint(band_of(signal(values, 500.0))).image)
    # One lane of 204 pixels is 100 uV high and zero, the median, in its middle: 25 uV are 51 pixels.
    for column in range(500):
        rows = np.flatnonzero(seen[:, column])
        is_jump = column % 50 in (0, 49)
        if not is_jump:
            want = 102 - 51 if column // 50 % 2 else 102 + 51
            assert rows.tolist() == [want]
    assert {int(np.flatnonzero(seen[:, k]).min()) for k in range(500)} == {51, 153}


def test_gaps_stay_gaps_and_streams_keep_their_own_times() -> None:
    step_s = 4.0
    eeg = np.zeros((1, 8000), dtype=np.float32)
    eeg[0, 3000:] = 40e-6
    # 1 kHz that starts 1 s late and loses 2 s after 5 s; 32 Hz that runs through: both step at 4 s.
    segments = (Segment(0, 4000, 1.0, 0.001), Segment(4000, 4000, 7.0, 0.001))
    eda = np.zeros((1, 320), dtype=np.float32)
    eda[0, 128:] = 40e-6
    seen = BandPainter().paint(band_of(signal(eeg, 1000.0, "EEG", segments), signal(eda, 32.0, "EDA"), seconds=10.0))
    at = 500 * step_s / 10
    image_eeg, image_eda = traced(seen.image, "EEG"), traced(seen.image, "EDA")
    drawn = np.flatnonzero(image_eeg.any(axis=0))
    assert set(drawn.tolist()) == {*range(50, 251), *range(350, 500)} - {250} | ({250} & set(drawn.tolist()))
    # The line between two samples of the slow stream takes 1.6 columns.
    for image, tolerance in ((image_eeg, 1), (image_eda, 2)):
        # The tallest stroke is the step.
        jump = int(image[:, 150:249].sum(axis=0).argmax()) + 150
        assert abs(jump - at) <= tolerance


@pytest.mark.parametrize("has_pyramid", [False, True])
def test_scrolling_gives_the_picture_that_painting_anew_gives(has_pyramid: bool) -> None:
    rng = np.random.default_rng(5)
    samples = (2e-5 * rng.standard_normal((3, 60000))).astype(np.float32)
    seconds = 40.0 if has_pyramid else 5.0
    source = signal(samples, 500.0, has_pyramid=has_pyramid)
    marks = MarkTable.of(
        [Annotation(20.0, 3.0, "blink"), Annotation(24.0, 1.0, "pop", ("EEG1",)), Annotation(26.0, 9.0, "muscle")],
        lambda label: "#4477aa",
    )
    scrolled = BandPainter()
    for start_s in (18.0, 18.3, 19.0, 22.5, 21.0, 20.95, 40.0):
        band = band_of(source, seconds=seconds, start_s=start_s, marks=marks)
        fresh = BandPainter()
        # The same offsets: those that were held are what scrolling is for.
        image = pixels(scrolled.paint(band).image)
        fresh._offsets = dict(scrolled._offsets)
        np.testing.assert_array_equal(image, pixels(fresh.paint(band).image))


def test_marks_tint_the_ground_of_their_channels_only() -> None:
    quiet = np.zeros((2, 5000), dtype=np.float32)
    marks = MarkTable.of(
        [Annotation(2.0, 1.0, "blink"), Annotation(6.0, 1.0, "pop", ("EEG1",))], lambda label: "#ff0000"
    )
    seen = pixels(BandPainter().paint(band_of(signal(quiet, 500.0), marks=marks)).image)
    everywhere = blend(np.array([GROUND], dtype=np.uint32), 0xFFFF0000, 56)[0]
    assert (seen[[5, 90, 110, 195], 120] == everywhere).all()
    assert (seen[[5, 90], 320] == GROUND).all()
    assert (seen[[110, 195], 320] != GROUND).all()
    assert (seen[[5, 195], 200 - 15] == GROUND).all()


def test_a_long_window_shows_the_second_that_swings() -> None:
    rng = np.random.default_rng(6)
    samples = (1e-5 * rng.standard_normal((8, 600 * 100))).astype(np.float32)
    samples[2, 30000:30100] *= 30
    band = band_of(signal(samples, 100.0, has_pyramid=True), seconds=600.0)
    assert band.kind(band.strips[0]) == "heat"
    seen = pixels(BandPainter().paint(band).image)
    hottest = heat_shades(LIGHT)[-1]
    rows, columns = np.nonzero(seen == hottest)
    lane = next(lane for lane in band.lanes if lane.index == 2)
    assert len(rows)
    assert ((rows >= lane.top_px - 1) & (rows <= lane.top_px + lane.height_px)).all()
    # Its second at 300 s is at column 250.
    assert (np.abs(columns - 250) <= 2).all()


def test_heart_rate_takes_the_place_of_an_ecg_too_dense_to_see() -> None:
    beats_s = np.arange(0.5, 400, 0.8)
    landmarks = Landmarks(beats_s=beats_s, intervals_s=np.full(len(beats_s), 0.8))
    ecg = np.zeros((1, 40000), dtype=np.float32)
    picture = BandPainter().paint(band_of(signal(ecg, 100.0, "ECG"), seconds=400.0, landmarks=landmarks))
    # 75 beats per minute throughout: one row in the middle.
    rows = np.flatnonzero(traced(picture.image, "ECG").any(axis=1))
    assert rows.tolist() == [102]
    assert picture.spans == (10.0,)


def test_hiding_order_and_scale_are_of_the_picture_only() -> None:
    source = signal(np.zeros((3, 1000), dtype=np.float32), 100.0)
    settings = ViewSettings(order=(("EEG", "EEG2"),), hidden=frozenset({("EEG", "EEG1")}))
    strips, problem = lay_strips((source,), settings.with_factor(("EEG", "EEG0"), 2.0), {"EEG": 1e-4})
    assert not problem
    assert [strips[0].labels[k] for k in strips[0].shown] == ["EEG2", "EEG0"]
    assert strips[0].factors == (1.0, 2.0)
    assert lay_strips((source,), settings.with_visible(("EEG", "EEG1"), True), {"EEG": 1e-4})[0][0].shown == (2, 0, 1)
    hidden = replace(settings, hidden=frozenset(("EEG", f"EEG{k}") for k in range(3)))
    assert lay_strips((source,), hidden, {"EEG": 1e-4})[0] == ()
    _, problem = lay_strips((source,), replace(settings, reference=Reference("linked")), {"EEG": 1e-4})
    assert "M1 and M2" in problem


def test_filters_and_reference_reach_the_columns() -> None:
    t = np.arange(20000) / 1000
    samples = np.stack([2e-5 * np.sin(2 * np.pi * 50 * t) + 0.15, np.full(len(t), 0.15)]).astype(np.float32)
    source = signal(samples, 1000.0)
    settings = ViewSettings(is_filtered=True)
    strips, _ = lay_strips((source,), settings, {"EEG": 1e-4})
    low, high = ColumnReader().read(strips, 100, 300, 0.02)[0]
    # 50 Hz is taken out by the notch and 150 mV by the high-pass.
    assert np.abs(low).max() < 2e-7
    assert np.abs(high).max() < 2e-7
    strips, _ = lay_strips((source,), ViewSettings(reference=Reference("average")), {"EEG": 1e-4})
    seen, hz = read_stretch(strips[0], 2.0, 3.0)
    assert hz == pytest.approx(1000)
    want = samples[:, 2000:3000] - samples[:, 2000:3000].mean(axis=0)
    np.testing.assert_allclose(seen, want, atol=3e-8)


def test_skin_conductance_has_a_window_of_its_own_around_the_others() -> None:
    eeg = signal(np.zeros((2, 30000), dtype=np.float32), 100.0)
    eda = signal(np.zeros((1, 9600), dtype=np.float32), 32.0, "EDA")
    window = Window((eeg, eda), {}, 100.0, 10.0, 300.0, NO_MARKS, Landmarks())
    placed, _ = place_bands(window, ViewSettings(eda_seconds=60.0), (800, 500), 1.0, DARK)
    main, own = placed
    assert [s.role for s in main.band.strips] == ["EEG"]
    assert [s.role for s in own.band.strips] == ["EDA"]
    assert (own.band.start_s, own.band.seconds) == (75.0, 60.0)
    assert own.time(own.x(104.0)) == pytest.approx(104.0)
    assert own.area.top() > main.area.bottom()


@dataclass(frozen=True)
class TenHours:
    """Two channels at 500 Hz that exist where they are looked at."""

    shape: tuple[int, int] = (2, 10 * 3600 * 500)

    def read(self, first: int, stop: int) -> FloatArray:
        """A sawtooth of 1 s."""
        saw = (np.arange(first, stop) % 500 / 500 * 1e-4).astype(np.float32)
        return np.stack([saw, -saw])


@pytest.mark.parametrize("seconds", [0.5, 10.0, 3600.0, 36000.0])
def test_ten_hours_are_looked_at_in_any_window(seconds: float) -> None:
    timeline = Timeline((Segment(0, TenHours().shape[1], 0.0, 0.002),))
    long = ViewedSignal("EEG", "s", ("a", "b"), TenHours(), timeline)
    band = band_of(long, seconds=min(seconds, 60.0), start_s=30000.0 if seconds < 36000 else 0.0)
    assert traced(BandPainter().paint(band).image).any()


def test_odd_recordings_are_painted_as_what_they_are() -> None:
    one = band_of(signal(np.full((1, 1), 1e-5, dtype=np.float32), 100.0), seconds=0.5)
    assert traced(BandPainter().paint(one).image).any()
    nothing = band_of(signal(np.full((2, 500), np.nan, dtype=np.float32), 100.0), seconds=5.0)
    assert not traced(BandPainter().paint(nothing).image).any()
    many = band_of(signal(np.zeros((512, 1000), dtype=np.float32), 100.0), seconds=10.0)
    assert traced(BandPainter().paint(many).image).any()
    segments = (Segment(0, 500, 0.0, 0.01), Segment(500, 500, 3605.0, 0.01))
    apart = band_of(signal(np.zeros((1, 1000), dtype=np.float32), 100.0, "EEG", segments), seconds=3610.0)
    drawn = np.flatnonzero(traced(BandPainter().paint(apart).image).any(axis=0))
    assert drawn.min() <= 1
    assert drawn.max() >= 498
    assert not ((drawn > 2) & (drawn < 497)).any()

"""Spectrum of what is selected, or of the window: one line per channel and their median."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt

from veridical.domain.arrays import FloatArray
from veridical.gui.annotate.column_reader import read_stretch
from veridical.gui.annotate.view_settings import Strip
from veridical.gui.common.appearance import Appearance
from veridical.gui.common.plots import QuietPlot
from veridical.signals.spectrum import power_spectrum

if TYPE_CHECKING:
    from veridical.gui.annotate.canvas import TraceCanvas

# What EEG is read at; above 100 Hz there is muscle and the amplifier's own filter.
_HIGHEST_HZ = 100.0
# A long window is a sample of itself: the spectrum of a minute says it all.
_LONGEST_S = 60.0
Spectrum = tuple[FloatArray, FloatArray]


def spectrum_of(strip: Strip, start_s: float, stop_s: float, channels: tuple[str, ...]) -> Spectrum:
    """Spectrum of the shown channels of a strip, as they are drawn, between two times.

    Parameters
    ----------
    channels : tuple of str
        Recorded channels; none means all that are shown.

    Returns
    -------
    frequencies_hz : ndarray, shape (n_frequencies,)
        Up to 100 Hz.
    density : ndarray, shape (n_shown, n_frequencies)
        Microvolts squared per hertz.
    """
    stop_s = min(stop_s, start_s + _LONGEST_S)
    samples, hz = read_stretch(strip, start_s, stop_s)
    shown = [k for k in strip.shown if not channels or not set(channels).isdisjoint(strip.recorded_of(k))]
    frequencies_hz, density = power_spectrum(samples[shown], hz)
    seen = frequencies_hz <= _HIGHEST_HZ
    return frequencies_hz[seen], density[:, seen] * 1e12


class SpectrumPlot(QuietPlot):
    """Power against frequency, on a logarithmic axis."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__(appearance, "Frequency (Hz)", "Power (µV²/Hz)")
        self.getPlotItem().setLogMode(x=False, y=True)
        self._shown: Spectrum = (np.empty(0), np.empty((0, 0)))
        self.setAccessibleName("Spectrum")

    @property
    def shown(self) -> Spectrum:
        """What is drawn."""
        return self._shown

    def show_spectrum(self, spectrum: Spectrum) -> None:
        """Draw another spectrum."""
        self._shown = spectrum
        self.redraw()

    def redraw(self) -> None:
        """Draw the contents in the theme's colours."""
        theme, plot = self.appearance.theme, self.getPlotItem()
        plot.clear()
        frequencies_hz, density = self._shown
        known = density[np.isfinite(density).all(axis=1)] if density.size else density
        # The mean was removed, so there is nothing at 0 Hz.
        frequencies_hz, known = frequencies_hz[1:], np.maximum(known[:, 1:], 1e-12)
        if not known.size:
            return
        faint = self.pen(theme.eeg + "", 1.0)
        thin = known[:: max(1, len(known) // 16)]
        for row in thin if len(known) > 1 else ():
            curve = plot.plot(frequencies_hz, row, pen=faint)
            curve.setOpacity(0.25)
        plot.plot(frequencies_hz, np.median(known, axis=0), pen=self.pen(theme.text, 2.0, Qt.PenStyle.SolidLine))


def spectrum_of_canvas(canvas: "TraceCanvas", stretch: tuple[float, float, tuple[str, ...]] | None) -> Spectrum | None:
    """Spectrum of a stretch, or of the window, of the first signal that is shown; None without one."""
    if not canvas.bands:
        return None
    band = canvas.bands[0].band
    start_s, stop_s, channels = stretch or (band.start_s, band.start_s + band.seconds, ())
    return spectrum_of(band.strips[0], start_s, stop_s, channels)

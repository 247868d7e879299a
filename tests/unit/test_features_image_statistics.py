"""Picture statistics against closed forms and Pillow's own colour conversion."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from veridical.domain.arrays import FloatArray
from veridical.domain.errors import StimulusError
from veridical.features.image_statistics import ImageStatistics, image_statistics


def _measure(folder: Path, rgb: FloatArray) -> ImageStatistics:
    path = folder / "picture.png"
    Image.fromarray(np.asarray(rgb, dtype=np.uint8)).save(path)
    return image_statistics(path)


def _plain(colour: tuple[int, int, int]) -> FloatArray:
    return np.full((40, 60, 3), colour, dtype=float)


def test_a_grey_card_has_no_colour_contrast_or_entropy(tmp_path: Path) -> None:
    found = _measure(tmp_path, _plain((119, 119, 119)))
    # sRGB 119 is the 18.4 % grey card, L* 50.
    assert found.luminance == pytest.approx(0.184, abs=0.001)
    assert found.lab_l == pytest.approx(50.0, abs=0.1)
    assert found.rms_contrast == pytest.approx(0, abs=1e-12)
    for value in (found.lab_a, found.lab_b, found.saturation, found.colourfulness, found.entropy, found.edge_density):
        assert value == pytest.approx(0, abs=1e-9)
    assert found.file_bytes == (tmp_path / "picture.png").stat().st_size


@pytest.mark.parametrize("colour", [(1, 2, 3), (200, 10, 90), (255, 255, 255), (0, 0, 0)])
def test_a_plain_picture_has_no_spectrum_whatever_its_colour(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    found = _measure(tmp_path, _plain(colour))
    assert (found.spectral_slope, found.low_frequency_share, found.high_frequency_share) == (0, 0, 0)


def test_pure_red_has_its_tabulated_lab_values(tmp_path: Path) -> None:
    found = _measure(tmp_path, _plain((255, 0, 0)))
    assert (found.lab_l, found.lab_a, found.lab_b) == pytest.approx((53.24, 80.09, 67.20), abs=0.05)
    assert found.saturation == 1
    # rg = 255, yb = 127.5 everywhere: 0.3 times their length (Hasler & Suesstrunk 2003).
    assert found.colourfulness == pytest.approx(0.3 * np.hypot(255, 127.5))


def test_lab_means_agree_with_a_colour_management_engine(tmp_path: Path) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    found = _measure(tmp_path, rgb.astype(float))
    # Little CMS computes under D50 with white-adapted primaries: lightness is the same, hues nearly.
    transform = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    converted = ImageCms.applyTransform(Image.fromarray(rgb), transform)
    assert converted is not None
    lightness, a, b = (np.asarray(band, dtype=float) for band in converted.split())
    assert found.lab_l == pytest.approx(lightness.mean() / 2.55, abs=1.0)
    assert (found.lab_a, found.lab_b) == pytest.approx((a.mean() - 128, b.mean() - 128), abs=2.0)


def test_half_black_half_white_in_closed_form(tmp_path: Path) -> None:
    rgb = np.zeros((64, 64, 3))
    rgb[:, 32:] = 255
    found = _measure(tmp_path, rgb)
    assert found.luminance == pytest.approx(0.5)
    assert found.rms_contrast == pytest.approx(0.5)
    assert found.entropy == pytest.approx(1.0)
    assert found.edge_density == pytest.approx(2 / 64)


def test_a_grating_puts_its_power_where_it_belongs(tmp_path: Path) -> None:
    across = np.arange(256) / 256
    for cycles, low, high in ((3, 1, 0), (12, 0, 0), (60, 0, 1)):
        wave = 127.5 + 80 * np.sin(2 * np.pi * cycles * across)
        found = _measure(tmp_path, np.repeat(np.tile(wave, (256, 1))[..., None], 3, axis=2))
        # The display curve bends the wave a little into its harmonics.
        assert found.low_frequency_share == pytest.approx(low, abs=0.08)
        assert found.high_frequency_share == pytest.approx(high, abs=0.08)


@pytest.mark.parametrize("slope", [0.0, -1.0, -1.5])
def test_spectral_slope_of_synthetic_noise_is_recovered(tmp_path: Path, slope: float) -> None:
    rng = np.random.default_rng(1)
    cycles = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.rfftfreq(256)[None, :])
    shaped = np.fft.rfft2(rng.standard_normal((256, 256))) * np.maximum(cycles, 1 / 256) ** slope
    noise = np.fft.irfft2(shaped)
    # Low contrast around mid grey, where the display curve is nearly straight.
    grey = np.clip(128 + 12 * (noise - noise.mean()) / noise.std(), 0, 255)
    found = _measure(tmp_path, np.repeat(np.rint(grey)[..., None], 3, axis=2))
    assert found.spectral_slope == pytest.approx(slope, abs=0.12)


def test_exif_turns_the_picture_and_transparency_shows_the_screen_grey(tmp_path: Path) -> None:
    rgb = np.zeros((20, 60, 3), dtype=np.uint8)
    rgb[:, :30] = 255
    upright, turned = tmp_path / "a.jpg", tmp_path / "b.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(rgb).save(upright, quality=95)
    Image.fromarray(rgb).save(turned, quality=95, exif=exif.tobytes())
    assert image_statistics(turned).luminance == pytest.approx(image_statistics(upright).luminance)
    clear = tmp_path / "clear.png"
    Image.new("RGBA", (20, 20), (255, 0, 0, 0)).save(clear)
    assert image_statistics(clear).lab_l == pytest.approx(53.6, abs=0.1)


def test_a_png_called_jpg_is_read_and_a_broken_file_named(tmp_path: Path) -> None:
    disguised = tmp_path / "real.jpg"
    Image.new("RGB", (20, 20), (10, 20, 30)).save(disguised, format="PNG")
    assert image_statistics(disguised).entropy == 0
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(disguised.read_bytes()[:40])
    with pytest.raises(StimulusError, match=r"broken\.jpg cannot be decoded"):
        image_statistics(broken)
    with pytest.raises(StimulusError, match="missing"):
        image_statistics(tmp_path / "absent.jpg")

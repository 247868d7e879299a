"""Brushes shared by all scenes: blends, soft noise, glows, shapes."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 500, 400
# Scenes are drawn twice as large and shrunk, for smooth edges.
W, H = 2 * WIDTH, 2 * HEIGHT

Colour = tuple[int, int, int]


def gradient(top: Colour, bottom: Colour, bend: float = 1.0) -> Image.Image:
    """A vertical blend; ``bend`` above 1 keeps the top colour longer."""
    share = np.linspace(0, 1, H)[:, None, None] ** bend
    rows = np.array(top) * (1 - share) + np.array(bottom) * share
    return Image.fromarray(np.broadcast_to(rows, (H, W, 3)).round().astype(np.uint8))


def clouds(rng: np.random.Generator, cells: int = 4, octaves: int = 5) -> np.ndarray:
    """Smooth noise between 0 and 1, shape (H, W)."""
    total, weight = np.zeros((H, W)), 0.0
    for octave in range(octaves):
        size = (cells * 2**octave * 5 // 4 + 1, cells * 2**octave + 1)
        grid = Image.fromarray((rng.random((size[1], size[0])) * 255).astype(np.uint8))
        total += np.asarray(grid.resize((W, H), Image.Resampling.BICUBIC), dtype=float) / 255 * 0.5**octave
        weight += 0.5**octave
    total /= weight
    spread: np.ndarray = (total - total.min()) / (total.max() - total.min())
    return spread


def veil(image: Image.Image, colour: Colour, alpha: np.ndarray) -> Image.Image:
    """Lay a colour over an image where ``alpha`` (0 to 1) says so."""
    mask = Image.fromarray((np.clip(alpha, 0, 1) * 255).astype(np.uint8))
    return Image.composite(Image.new("RGB", image.size, colour), image, mask)


def glow(image: Image.Image, x: float, y: float, radius: float, colour: Colour, strength: float = 1.0) -> Image.Image:
    """A soft light around a point."""
    yy, xx = np.mgrid[0:H, 0:W]
    return veil(image, colour, strength * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * radius**2)))


def ridge(rng: np.random.Generator, base: float, swing: float, waves: int = 3) -> list[tuple[float, float]]:
    """A hill line as a polygon down to the bottom edge."""
    x = np.linspace(0, W, 120)
    y = np.full_like(x, base)
    for k in range(1, waves + 1):
        y += swing / k * np.sin(2 * np.pi * k * x / W * rng.uniform(0.5, 1.1) + rng.uniform(0, 6.3))
    return [(0, H), *zip(x.tolist(), y.tolist(), strict=True), (W, H)]


def disc(draw: ImageDraw.ImageDraw, x: float, y: float, r: float, fill: Colour, squash: float = 1.0) -> None:
    """A filled circle or ellipse."""
    draw.ellipse((x - r, y - r * squash, x + r, y + r * squash), fill=fill)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Blend two colours."""
    red, green, blue = (round(p * (1 - share) + q * share) for p, q in zip(a, b, strict=True))
    return red, green, blue


def pick(rng: np.random.Generator, *colours: Colour) -> Colour:
    """One of several colours."""
    return colours[int(rng.integers(len(colours)))]


def petal(
    draw: ImageDraw.ImageDraw, x: float, y: float, length: float, width: float, angle: float, fill: Colour
) -> None:
    """An elliptic petal or leaf that starts at a point."""
    t = np.linspace(0, 2 * np.pi, 40)
    along, across = length / 2 * (1 + np.cos(t)), width / 2 * np.sin(t)
    px = x + along * np.cos(angle) - across * np.sin(angle)
    py = y + along * np.sin(angle) + across * np.cos(angle)
    draw.polygon(list(zip(px.tolist(), py.tolist(), strict=True)), fill=fill)


def shadow(image: Image.Image, box: tuple[float, float, float, float], strength: float = 0.45) -> Image.Image:
    """A soft shadow on the ground."""
    mask = Image.new("L", image.size, 0)
    ImageDraw.Draw(mask).ellipse(box, fill=round(255 * strength))
    return Image.composite(Image.new("RGB", image.size, (20, 18, 24)), image, mask.filter(ImageFilter.GaussianBlur(18)))

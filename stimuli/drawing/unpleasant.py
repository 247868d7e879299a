"""Unpleasant scenes; nothing that is hard to bear."""

from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from drawing.brushes import Colour, H, W, clouds, disc, glow, gradient, mix, pick, ridge, shadow, veil


def bolt(rng: np.random.Generator, draw: ImageDraw.ImageDraw, x: float, y: float, heading: float, width: float) -> None:
    """A branch of lightning down to the ground."""
    while y < H * 0.82 and width >= 1:
        nx, ny = x + rng.normal(heading, 24), y + rng.uniform(18, 44)
        draw.line((x, y, nx, ny), fill=(236, 236, 255), width=max(2, int(width)))
        if rng.random() < 0.14 and width > 3:
            bolt(rng, draw, nx, ny, float(rng.choice([-16.0, 16.0])), width * 0.5)
        x, y, width = nx, ny, width * 0.985


def storm(rng: np.random.Generator) -> Image.Image:
    image = gradient((40, 44, 56), (104, 108, 116))
    image = veil(image, (18, 20, 28), clouds(rng, 3) * 1.1 * np.linspace(1.1, 0.3, H)[:, None])
    x = rng.uniform(0.25, 0.75) * W
    image = glow(image, x, H * 0.3, 240, (190, 190, 230), 0.6)
    sharp = image.copy()
    bolt(rng, ImageDraw.Draw(sharp), x, 0, float(rng.normal(0, 6)), 11)
    image = Image.blend(sharp, sharp.filter(ImageFilter.GaussianBlur(7)), 0.35)
    draw = ImageDraw.Draw(image)
    draw.polygon(ridge(rng, H * 0.84, 24), fill=(26, 28, 32))
    for _ in range(420):
        rx, ry = rng.uniform(0, W), rng.uniform(0, H)
        draw.line((rx, ry, rx - 9, ry + 34), fill=(128, 134, 146), width=2)
    return image


def fire(rng: np.random.Generator) -> Image.Image:
    image = gradient((52, 38, 40), (116, 50, 26))
    image = veil(image, (12, 10, 12), clouds(rng, 3) * np.linspace(1.2, 0.2, H)[:, None])
    draw = ImageDraw.Draw(image)
    hx = W * rng.uniform(0.3, 0.5)
    draw.polygon([(hx - 40, H * 0.5), (hx + 130, H * 0.3), (hx + 300, H * 0.5)], fill=(22, 16, 16))
    draw.rectangle((hx, H * 0.48, hx + 260, H), fill=(26, 18, 18))
    for wx in (hx + 40, hx + 160):
        draw.rectangle((wx, H * 0.58, wx + 56, H * 0.7), fill=(255, 180, 60))
    layers: list[tuple[Colour, float, float]] = [
        ((196, 50, 18), 1.0, 0.9),
        ((244, 120, 24), 0.72, 0.9),
        ((255, 206, 84), 0.42, 0.85),
    ]
    for colour, tall, alpha in layers:
        mask = Image.new("L", (W, H), 0)
        brush = ImageDraw.Draw(mask)
        for x in np.linspace(-20, W + 20, 26):
            height, wide = rng.uniform(0.2, 0.62) * H * tall, rng.uniform(34, 70)
            sway, t = rng.normal(0, 36), np.linspace(0, 1, 24)
            body = wide * np.sin(np.pi * np.minimum(1, 0.25 + 0.75 * t)) * (1 - t) ** 0.5
            middle = x + sway * t**2 + 10 * np.sin(6 * t + rng.uniform(0, 6))
            y = H - height * t
            points = [
                *zip((middle - body).tolist(), y.tolist(), strict=True),
                *zip((middle + body)[::-1].tolist(), y[::-1].tolist(), strict=True),
            ]
            brush.polygon(points, fill=round(255 * alpha))
        image = Image.composite(Image.new("RGB", (W, H), colour), image, mask.filter(ImageFilter.GaussianBlur(6)))
    draw = ImageDraw.Draw(image)
    for _ in range(90):
        disc(draw, rng.uniform(0, W), rng.uniform(0, H * 0.8), rng.uniform(1.5, 5), (255, 190, 90))
    return image


def spider(rng: np.random.Generator) -> Image.Image:
    ground = pick(rng, (150, 146, 130), (120, 126, 120), (166, 150, 126))
    image = veil(gradient(ground, mix(ground, (0, 0, 0), 0.35)), (20, 20, 20), clouds(rng, 4) * 0.5)
    draw = ImageDraw.Draw(image)
    cx, cy = W * rng.uniform(0.1, 0.9), H * rng.uniform(-0.1, 0.2)
    angles = np.sort(rng.uniform(0, 2 * np.pi, 17))
    for angle in angles:
        draw.line((cx, cy, cx + 1400 * np.cos(angle), cy + 1400 * np.sin(angle)), fill=(212, 212, 206), width=2)
    for r in np.arange(70, 1300, 62):
        rim = [
            (cx + r * np.cos(a) * rng.uniform(0.95, 1.02), cy + r * np.sin(a) * rng.uniform(0.95, 1.02)) for a in angles
        ]
        draw.line([*rim, rim[0]], fill=(204, 204, 198), width=2)
    x, y, s = W * rng.uniform(0.42, 0.58), H * 0.53, rng.uniform(70, 92)
    image = shadow(image, (x - s * 2.2, y - s, x + s * 2.6, y + s * 2.4), 0.4)
    draw, hair = ImageDraw.Draw(image), pick(rng, (24, 18, 18), (46, 30, 20), (30, 30, 36))
    for side in (-1, 1):
        for k, angle in enumerate((-0.95, -0.35, 0.3, 0.9)):
            knee = (x + side * s * 2.1 * np.cos(angle), y + s * 2.1 * np.sin(angle) - s * 0.9)
            foot = (x + side * s * (3.5 - 0.2 * k) * np.cos(angle * 1.1), y + s * 3.4 * np.sin(angle * 1.1) + s * 0.4)
            draw.line((x, y, *knee, *foot), fill=hair, width=17, joint="curve")
            disc(draw, *knee, 11, hair)
    disc(draw, x, y + s * 1.05, s * 1.05, hair, 1.15)
    disc(draw, x, y - s * 0.15, s * 0.66, mix(hair, (90, 70, 60), 0.3))
    draw.polygon([(x - 20, y + s * 0.8), (x + 20, y + s * 0.8), (x, y + s * 1.3)], fill=(170, 30, 26))
    draw.polygon([(x - 20, y + s * 1.7), (x + 20, y + s * 1.7), (x, y + s * 1.2)], fill=(170, 30, 26))
    for ex in (-24, -9, 9, 24):
        disc(draw, x + ex, y - s * 0.55, 7, (220, 60, 50))
    return image


def broken_glass(rng: np.random.Generator) -> Image.Image:
    tint = pick(rng, (96, 112, 122), (120, 120, 112), (84, 90, 104))
    image = veil(gradient(mix(tint, (255, 255, 255), 0.3), tint), (20, 24, 32), clouds(rng, 3) * 0.6)
    draw = ImageDraw.Draw(image)
    cx, cy = W * rng.uniform(0.35, 0.65), H * rng.uniform(0.35, 0.6)
    angles = np.sort(rng.uniform(0, 2 * np.pi, 19))
    radii = [rng.uniform(70, 110), rng.uniform(190, 250), rng.uniform(330, 430), 1300.0]
    rings = [
        [(cx + r * rng.uniform(0.75, 1.2) * np.cos(a), cy + r * rng.uniform(0.75, 1.2) * np.sin(a)) for a in angles]
        for r in radii
    ]
    for inner, outer in pairwise(rings):
        for k in range(len(angles)):
            j = (k + 1) % len(angles)
            shade = mix(tint, pick(rng, (255, 255, 255), (10, 14, 22)), rng.uniform(0, 0.45))
            if rng.random() < 0.75:
                draw.polygon([inner[k], inner[j], outer[j], outer[k]], fill=shade)
            draw.line((*inner[k], *outer[k]), fill=(236, 244, 248), width=3)
            draw.line((*inner[k], *inner[j]), fill=(236, 244, 248), width=3)
    draw.polygon(rings[0], fill=(12, 12, 16))
    for _ in range(26):
        x, y, s = rng.uniform(0, W), rng.uniform(0.7, 1) * H, rng.uniform(14, 50)
        shard = [
            (x + s * rng.uniform(0.4, 1) * np.cos(t), y + s * rng.uniform(0.3, 0.8) * np.sin(t))
            for t in (0.2, 2.2, 4.3)
        ]
        draw.polygon(shard, fill=mix(tint, (255, 255, 255), rng.uniform(0.3, 0.8)), outline=(20, 24, 30))
    return image


def cracked_ground(rng: np.random.Generator) -> Image.Image:
    soil = pick(rng, (170, 138, 104), (150, 128, 112), (188, 160, 120))
    yy, xx = np.mgrid[0:H:2, 0:W:2]
    n = int(rng.integers(42, 60))
    far = rng.uniform(0, 1, n) ** 0.8
    px, py = rng.uniform(-0.05, 1.05, n) * W, (0.3 + 0.75 * far) * H
    stretch = 1.7
    distance = np.sqrt((xx[None] - px[:, None, None]) ** 2 + (stretch * (yy[None] - py[:, None, None])) ** 2)
    nearest = np.sort(distance, axis=0)[:2]
    wobble = (
        np.asarray(Image.fromarray((clouds(rng, 10) * 255).astype(np.uint8)).resize((W // 2, H // 2)), dtype=float)
        / 255
    )
    edge = (nearest[1] - nearest[0]) + 16 * (wobble - 0.5)
    crack = Image.fromarray((np.clip(1 - edge / 15, 0, 1) * 255).astype(np.uint8)).resize(
        (W, H), Image.Resampling.BICUBIC
    )
    image = veil(
        gradient(mix(soil, (255, 255, 255), 0.1), mix(soil, (0, 0, 0), 0.15)), (60, 44, 34), clouds(rng, 8) * 0.45
    )
    image = Image.composite(Image.new("RGB", (W, H), (34, 24, 18)), image, crack)
    sky = veil(gradient((176, 170, 160), (206, 186, 160)), (120, 110, 104), clouds(rng, 3) * 0.6)
    image.paste(sky.crop((0, 0, W, int(H * 0.3))), (0, 0))
    draw = ImageDraw.Draw(image)
    x, y = W * rng.uniform(0.2, 0.8), H * rng.uniform(0.56, 0.7)
    for k in range(6):
        draw.arc((x + 34 * k, y - 62, x + 34 * k + 60, y + 46), 160, 330, fill=(232, 226, 208), width=9)
    draw.line((x - 8, y - 46, x + 220, y - 40), fill=(232, 226, 208), width=11)
    disc(draw, x - 52, y - 40, 46, (236, 230, 212), 0.78)
    disc(draw, x - 66, y - 46, 13, (44, 34, 28))
    disc(draw, x - 34, y - 44, 12, (44, 34, 28))
    return image


def branch(
    rng: np.random.Generator, draw: ImageDraw.ImageDraw, x: float, y: float, angle: float, length: float, width: float
) -> None:
    """A bare branch that forks."""
    nx, ny = x + length * np.cos(angle), y + length * np.sin(angle)
    draw.line((x, y, nx, ny), fill=(22, 20, 22), width=max(2, int(width)))
    if width > 2.5:
        for turn in (rng.uniform(-0.75, -0.2), rng.uniform(0.2, 0.75)):
            branch(rng, draw, nx, ny, angle + turn, length * rng.uniform(0.66, 0.82), width * 0.66)


def graveyard(rng: np.random.Generator) -> Image.Image:
    image = veil(gradient((84, 88, 96), (160, 156, 150)), (44, 46, 54), clouds(rng, 3) * 0.8)
    draw = ImageDraw.Draw(image)
    draw.polygon(ridge(rng, H * 0.74, 26), fill=(52, 54, 48))
    branch(rng, draw, W * rng.uniform(0.2, 0.8), H * 0.8, -np.pi / 2 + rng.normal(0, 0.1), 150, 34)
    for k in range(int(rng.integers(4, 7))):
        x, y, s = W * (0.08 + 0.15 * k + rng.uniform(0, 0.05)), H * rng.uniform(0.84, 0.93), rng.uniform(54, 84)
        stone = mix((128, 128, 126), (70, 70, 76), rng.random())
        draw.rectangle((x, y - s * 1.1, x + s, y + 10), fill=stone)
        draw.pieslice((x, y - s * 1.6, x + s, y - s * 0.6), 180, 360, fill=stone)
        draw.line((x + s / 2, y - s * 1.2, x + s / 2, y - s * 0.5), fill=(50, 50, 54), width=7)
        draw.line((x + s * 0.3, y - s, x + s * 0.7, y - s), fill=(50, 50, 54), width=7)
    for _ in range(int(rng.integers(3, 7))):
        x, y, s = rng.uniform(0.05, 0.95) * W, rng.uniform(0.06, 0.34) * H, rng.uniform(16, 30)
        draw.line((x - s, y - s * 0.6, x, y, x + s, y - s * 0.6), fill=(16, 16, 18), width=8, joint="curve")
    return veil(image, (176, 178, 180), clouds(rng, 2, 3) * np.linspace(0, 0.55, H)[:, None])


def crying_face(rng: np.random.Generator) -> Image.Image:
    ground = pick(rng, (84, 92, 110), (110, 96, 104), (96, 106, 100))
    image = veil(gradient(ground, mix(ground, (0, 0, 0), 0.5)), (10, 10, 16), clouds(rng, 3) * 0.5)
    draw = ImageDraw.Draw(image)
    skin = pick(rng, (150, 170, 120), (224, 176, 140), (170, 124, 92), (196, 150, 150))
    dark, x, y, r = mix(skin, (30, 14, 14), 0.85), W / 2, H / 2 + 10, 290
    disc(draw, x, y, r, mix(skin, (40, 20, 20), 0.35))
    disc(draw, x, y, r - 10, skin)
    for side in (-1, 1):
        ex = x + side * 108
        disc(draw, ex, y - 40, 46, (245, 242, 236), 0.72)
        disc(draw, ex + 4, y - 34, 22, (40, 26, 26))
        draw.line((ex + side * 70, y - 76, ex - side * 44, y - 136), fill=dark, width=22)
        draw.polygon(
            [(ex - 16, y), (ex + 16, y), (ex + side * 10 + 24, y + 150), (ex + side * 10 - 24, y + 150)],
            fill=(126, 176, 226),
        )
        disc(draw, ex + side * 10, y + 150, 25, (126, 176, 226))
    wide = rng.uniform(84, 120)
    draw.chord((x - wide, y + 96, x + wide, y + 300), 184, 356, fill=dark)
    draw.chord((x - wide + 24, y + 120, x + wide - 24, y + 190), 184, 356, fill=(236, 230, 220))
    return image


def snake(rng: np.random.Generator) -> Image.Image:
    image = veil(gradient((104, 96, 74), (62, 56, 44)), (24, 22, 18), clouds(rng, 6) * 0.8)
    draw = ImageDraw.Draw(image)
    skin = pick(rng, (94, 110, 52), (140, 84, 44), (150, 130, 60), (84, 90, 100))
    stripe = mix(skin, (10, 8, 8), 0.72)
    t = np.linspace(0, 1, 420)
    turn, swing = rng.uniform(0, 6.3), rng.uniform(0.22, 0.3)
    xs = W * (0.02 + 0.8 * t)
    ys = H * (0.62 + swing * np.sin(3.1 * np.pi * t + turn) * (1 - 0.45 * t))
    for k, (x, y) in enumerate(zip(xs, ys, strict=True)):
        r = 14 + 34 * np.sin(np.pi * min(1.0, 0.06 + 0.86 * t[k])) ** 0.7
        disc(draw, x, y + 14, r, (26, 22, 18))
    for k, (x, y) in enumerate(zip(xs, ys, strict=True)):
        r = 14 + 34 * np.sin(np.pi * min(1.0, 0.06 + 0.86 * t[k])) ** 0.7
        disc(draw, x, y, r, stripe if (k // 10) % 2 else skin)
        disc(draw, x, y - r * 0.3, r * 0.35, mix(stripe if (k // 10) % 2 else skin, (255, 255, 255), 0.22))
    x, y = xs[-1] + 46, ys[-1] - 8
    draw.line((x + 60, y + 12, x + 128, y + 20, x + 156, y + 2), fill=(206, 40, 40), width=8, joint="curve")
    draw.line((x + 128, y + 20, x + 158, y + 34), fill=(206, 40, 40), width=8)
    disc(draw, x, y, 78, skin, 0.66)
    draw.line((x - 10, y + 26, x + 74, y + 16), fill=mix(skin, (0, 0, 0), 0.7), width=6)
    disc(draw, x + 20, y - 16, 17, (240, 206, 60))
    disc(draw, x + 21, y - 16, 7, (10, 10, 10), 1.9)
    return image

"""Pleasant scenes."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from drawing.brushes import Colour, H, W, clouds, disc, glow, gradient, mix, petal, pick, ridge, veil


def sunny_hills(rng: np.random.Generator) -> Image.Image:
    image = gradient((96, 172, 236), (222, 240, 250))
    x, y = rng.uniform(0.2, 0.8) * W, rng.uniform(0.14, 0.28) * H
    image = glow(image, x, y, 190, (255, 246, 200), 0.9)
    disc(ImageDraw.Draw(image), x, y, 62, (255, 236, 140))
    image = veil(image, (255, 255, 255), np.clip(clouds(rng, 3) * 2.4 - 1.5, 0, 0.85) * np.linspace(1, 0, H)[:, None])
    draw = ImageDraw.Draw(image)
    for k, green in enumerate([(150, 196, 120), (112, 176, 88), (78, 150, 66)]):
        draw.polygon(ridge(rng, H * (0.58 + 0.13 * k), 46), fill=green)
    for _ in range(120):
        fx, depth = rng.uniform(0, W), rng.uniform(0, 1)
        fy = H * (0.88 + 0.12 * depth)
        disc(draw, fx, fy, 4 + 6 * depth, pick(rng, (255, 226, 90), (250, 250, 250), (240, 130, 160)))
    return image


def sunset_sea(rng: np.random.Generator) -> Image.Image:
    image = gradient((86, 70, 140), (255, 186, 110), 0.9)
    x, horizon = rng.uniform(0.3, 0.7) * W, 0.56 * H
    image = glow(image, x, horizon, 240, (255, 214, 130), 0.9)
    disc(ImageDraw.Draw(image), x, horizon - 20, 84, (255, 240, 190))
    sea = gradient((250, 170, 120), (46, 66, 120), 0.6).crop((0, 0, W, H - int(horizon))).resize((W, H - int(horizon)))
    image.paste(sea, (0, int(horizon)))
    draw = ImageDraw.Draw(image)
    for _ in range(170):
        depth = rng.uniform(0, 1) ** 1.4
        wy = horizon + 6 + depth * (H - horizon)
        wx = x + rng.normal(0, 60 + 170 * depth)
        draw.line((wx - 14 - 40 * depth, wy, wx + 14 + 40 * depth, wy), fill=(255, 226, 176), width=2 + int(3 * depth))
    for _ in range(int(rng.integers(4, 9))):
        bx, by, s = rng.uniform(0.1, 0.9) * W, rng.uniform(0.1, 0.36) * H, rng.uniform(10, 20)
        draw.line((bx - s, by - s * 0.5, bx, by, bx + s, by - s * 0.5), fill=(60, 50, 90), width=4, joint="curve")
    return image


def blossoms(rng: np.random.Generator) -> Image.Image:
    image = gradient((206, 232, 206), (120, 178, 110)).filter(ImageFilter.GaussianBlur(4))
    image = veil(image, (240, 250, 220), clouds(rng, 3) * 0.5)
    draw = ImageDraw.Draw(image)
    petals = pick(rng, (250, 120, 150), (255, 196, 70), (186, 130, 230), (250, 250, 250), (255, 140, 90))
    for _ in range(int(rng.integers(6, 9))):
        x, y, size = rng.uniform(0.08, 0.92) * W, rng.uniform(0.16, 0.8) * H, rng.uniform(70, 130)
        draw.line((x, y, x + rng.normal(0, 40), H), fill=(70, 134, 66), width=10)
        petal(draw, x, y + size * 1.2, size, size * 0.36, rng.uniform(-0.6, 0.2), (86, 154, 76))
        n, turn = int(rng.integers(6, 10)), rng.uniform(0, 1)
        for k in range(n):
            shade = mix(petals, (255, 255, 255), rng.uniform(0, 0.25))
            petal(draw, x, y, size, size * 0.55, turn + 2 * np.pi * k / n, shade)
        disc(draw, x, y, size * 0.27, (250, 206, 60))
        disc(draw, x - 4, y - 4, size * 0.17, (255, 226, 120))
    return image


def smiling_face(rng: np.random.Generator) -> Image.Image:
    ground = pick(rng, (120, 200, 220), (250, 196, 160), (186, 220, 150), (230, 190, 230))
    image = glow(gradient(mix(ground, (255, 255, 255), 0.4), ground), W / 2, H / 2, 300, (255, 255, 255), 0.5)
    draw = ImageDraw.Draw(image)
    skin = pick(rng, (255, 214, 92), (244, 200, 160), (176, 120, 84), (224, 172, 128))
    dark, x, y, r = mix(skin, (40, 20, 10), 0.8), W / 2, H / 2 + 6, 290
    disc(draw, x, y, r, mix(skin, (90, 50, 20), 0.25))
    disc(draw, x, y, r - 10, skin)
    lift = rng.uniform(0, 24)
    for side in (-1, 1):
        ex = x + side * 105
        draw.arc((ex - 44, y - 100 - lift, ex + 44, y - 12 - lift), 200, 340, fill=dark, width=18)
        disc(draw, x + side * 175, y + 62, 46, mix(skin, (240, 90, 90), 0.42))
    wide = rng.uniform(120, 158)
    draw.chord((x - wide, y - 60, x + wide, y + 190), 8, 172, fill=dark)
    draw.chord((x - wide + 26, y - 40, x + wide - 26, y + 96), 12, 168, fill=(255, 255, 255))
    draw.chord((x - 70, y + 108, x + 70, y + 196), 180, 360, fill=(226, 96, 96))
    return image


def balloons(rng: np.random.Generator) -> Image.Image:
    image = veil(gradient((120, 190, 244), (220, 240, 252)), (255, 255, 255), np.clip(clouds(rng, 3) * 2 - 1.1, 0, 0.8))
    draw = ImageDraw.Draw(image)
    colours: list[Colour] = [
        (236, 78, 92),
        (255, 190, 60),
        (84, 190, 130),
        (92, 120, 230),
        (206, 104, 210),
        (255, 140, 70),
    ]
    places = sorted([(rng.uniform(0.14, 0.86) * W, rng.uniform(0.18, 0.6) * H) for _ in range(9)], key=lambda p: p[1])
    for k, (x, y) in enumerate(places):
        colour, r = colours[k % len(colours)], rng.uniform(60, 84)
        draw.line(
            (x, y + r * 1.2, (x + W / 2) / 2, H * 0.86, W / 2, H * 1.02), fill=(90, 90, 100), width=3, joint="curve"
        )
        draw.polygon(
            [(x - 10, y + r * 1.32), (x + 10, y + r * 1.32), (x, y + r * 1.14)], fill=mix(colour, (0, 0, 0), 0.2)
        )
        disc(draw, x, y, r, mix(colour, (0, 0, 0), 0.1), 1.2)
        disc(draw, x - 3, y - 4, r * 0.93, colour, 1.2)
        disc(draw, x - r * 0.34, y - r * 0.46, r * 0.22, mix(colour, (255, 255, 255), 0.65), 1.4)
    return image


def rainbow(rng: np.random.Generator) -> Image.Image:
    image = veil(gradient((110, 160, 214), (226, 236, 246)), (255, 255, 255), clouds(rng, 3) * 0.5)
    yy, xx = np.mgrid[0:H, 0:W]
    cx, cy, outer = W * rng.uniform(0.35, 0.65), H * 0.95, H * rng.uniform(0.72, 0.84)
    distance = np.hypot(xx - cx, yy - cy)
    bands: list[Colour] = [
        (230, 70, 70),
        (245, 150, 60),
        (250, 224, 90),
        (96, 190, 100),
        (80, 140, 230),
        (140, 90, 200),
    ]
    for k, colour in enumerate(bands):
        image = veil(image, colour, 0.8 * np.exp(-(((distance - outer + 24 * k) / 15) ** 2)))
    draw = ImageDraw.Draw(image)
    for k, green in enumerate([(128, 186, 106), (90, 158, 84)]):
        draw.polygon(ridge(rng, H * (0.74 + 0.12 * k), 34), fill=green)
    for _ in range(int(rng.integers(3, 6))):
        x, y, s = rng.uniform(0.06, 0.94) * W, rng.uniform(0.78, 0.92) * H, rng.uniform(40, 70)
        draw.rectangle((x - s * 0.12, y, x + s * 0.12, y + s * 0.8), fill=(120, 84, 56))
        disc(draw, x, y - s * 0.3, s * 0.72, (66, 140, 74))
        disc(draw, x - s * 0.2, y - s * 0.45, s * 0.42, (104, 176, 96))
    return image


def butterfly(rng: np.random.Generator) -> Image.Image:
    image = veil(gradient((226, 240, 214), (166, 208, 160)), (252, 252, 226), clouds(rng, 2, 3) * 0.8)
    draw = ImageDraw.Draw(image)
    for _ in range(26):
        x = rng.uniform(0, W)
        petal(
            draw,
            x,
            H + 20,
            rng.uniform(140, 320),
            26,
            -np.pi / 2 + rng.normal(0, 0.25),
            mix((104, 168, 96), (60, 120, 70), rng.random()),
        )
    wing = pick(rng, (255, 150, 40), (70, 130, 230), (226, 90, 150), (250, 206, 60))
    x, y, s = W * rng.uniform(0.42, 0.58), H * 0.42, rng.uniform(210, 250)
    for side in (-1, 1):
        for angle, length, width in ((-0.62, 1.15, 0.72), (0.62, 0.86, 0.62)):
            direction = angle if side > 0 else np.pi - angle
            petal(draw, x, y, s * length, s * width, direction, mix(wing, (30, 20, 30), 0.72))
            petal(draw, x, y, s * length * 0.93, s * width * 0.82, direction, wing)
            petal(draw, x, y, s * length * 0.6, s * width * 0.4, direction, mix(wing, (255, 255, 255), 0.5))
            spot_x, spot_y = x + np.cos(direction) * s * length * 0.8, y + np.sin(direction) * s * length * 0.8
            disc(draw, spot_x, spot_y, s * 0.06, (255, 255, 255))
    petal(draw, x, y - s * 0.42, s * 0.95, s * 0.12, np.pi / 2, (50, 36, 40))
    for side in (-1, 1):
        draw.arc(
            (x - 60 + side * 40, y - s * 0.72, x + 60 + side * 40, y - s * 0.1),
            180 if side > 0 else 270,
            270 if side > 0 else 360,
            fill=(50, 36, 40),
            width=6,
        )
    return image


def fireworks(rng: np.random.Generator) -> Image.Image:
    image = veil(gradient((34, 34, 84), (122, 84, 140)), (190, 150, 200), clouds(rng, 3) * 0.35)
    for _ in range(6):
        x, y, r = rng.uniform(0.15, 0.85) * W, rng.uniform(0.14, 0.55) * H, rng.uniform(110, 190)
        colour = pick(rng, (255, 210, 110), (255, 120, 150), (140, 220, 255), (170, 255, 170), (230, 160, 255))
        image = glow(image, x, y, r * 0.8, colour, 0.5)
        draw = ImageDraw.Draw(image)
        rays = int(rng.integers(22, 34))
        for k in range(rays):
            angle, reach = 2 * np.pi * k / rays, r * rng.uniform(0.8, 1.05)
            tip = (x + reach * np.cos(angle), y + reach * np.sin(angle) + reach * 0.08)
            draw.line(
                (x + 0.25 * reach * np.cos(angle), y + 0.25 * reach * np.sin(angle), *tip),
                fill=mix(colour, (255, 255, 255), 0.3),
                width=5,
            )
            disc(draw, *tip, 7, (255, 255, 240))
    draw = ImageDraw.Draw(image)
    x = 0.0
    while x < W:
        wide, tall = rng.uniform(50, 110), rng.uniform(70, 190)
        draw.rectangle((x, H - tall, x + wide, H), fill=(30, 28, 54))
        for wy in np.arange(H - tall + 16, H - 16, 30):
            for wx in np.arange(x + 12, x + wide - 18, 24):
                if rng.random() < 0.5:
                    draw.rectangle((wx, wy, wx + 9, wy + 13), fill=(255, 224, 140))
        x += wide
    return image

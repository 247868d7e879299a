"""Scenes of everyday objects."""

import numpy as np
from PIL import Image, ImageDraw

from drawing.brushes import H, W, clouds, disc, glow, gradient, mix, pick, shadow, veil


def room(rng: np.random.Generator) -> Image.Image:
    """A plain wall and floor."""
    wall = pick(rng, (196, 188, 176), (172, 182, 186), (206, 200, 190), (160, 168, 158), (188, 178, 186))
    floor = pick(rng, (140, 116, 92), (120, 110, 104), (156, 140, 120))
    image = gradient(mix(wall, (255, 255, 255), 0.15), wall)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, H * 0.74, W, H), fill=floor)
    for _ in range(7):
        y = H * 0.74 + (H * 0.26) * rng.random() ** 1.5
        draw.line((0, y, W, y), fill=mix(floor, (0, 0, 0), 0.12), width=2)
    draw.rectangle((0, H * 0.725, W, H * 0.745), fill=mix(wall, (255, 255, 255), 0.5))
    return veil(image, (255, 250, 240), clouds(rng, 2, 3) * 0.16)


def chair(rng: np.random.Generator) -> Image.Image:
    x, wide = W * rng.uniform(0.4, 0.6), rng.uniform(230, 280)
    image = shadow(room(rng), (x - wide * 0.75, H * 0.86, x + wide * 0.8, H * 0.96))
    draw = ImageDraw.Draw(image)
    wood = pick(rng, (134, 92, 58), (96, 74, 60), (176, 136, 92), (84, 96, 106))
    dark = mix(wood, (0, 0, 0), 0.3)
    left, right, seat = x - wide / 2, x + wide / 2, H * 0.6
    for leg in (left + 34, right - 60):
        draw.rectangle((leg, seat, leg + 22, H * 0.86), fill=dark)
    for leg in (left, right - 26):
        draw.rectangle((leg, H * 0.2, leg + 26, H * 0.92), fill=wood)
    for y in np.linspace(H * 0.23, H * 0.44, int(rng.integers(2, 5))):
        draw.rectangle((left, y, right, y + 30), fill=mix(wood, (255, 255, 255), 0.1))
    draw.polygon(
        [(left - 20, seat + 34), (right + 20, seat + 34), (right - 4, seat - 20), (left + 4, seat - 20)], fill=wood
    )
    draw.rectangle((left - 20, seat + 34, right + 20, seat + 56), fill=dark)
    return image


def mug(rng: np.random.Generator) -> Image.Image:
    x, top = W * rng.uniform(0.42, 0.56), H * 0.36
    image = shadow(room(rng), (x - 220, H * 0.78, x + 260, H * 0.9))
    draw = ImageDraw.Draw(image)
    glaze = pick(rng, (90, 120, 140), (170, 96, 80), (222, 216, 204), (96, 130, 104), (70, 70, 84))
    side = 1 if rng.random() < 0.5 else -1
    draw.ellipse(
        (x + side * 150 - 92, top + 70, x + side * 150 + 92, top + 290), outline=mix(glaze, (0, 0, 0), 0.15), width=36
    )
    draw.rectangle((x - 160, top, x + 160, H * 0.8), fill=glaze)
    disc(draw, x, H * 0.8, 160, glaze, 0.24)
    band = np.linspace(-1, 1, 321)
    for k, share in enumerate(band):
        draw.line(
            (x - 160 + k, top, x - 160 + k, H * 0.8 + 38 * (1 - share**2) ** 0.5),
            fill=mix(glaze, (255, 255, 255) if share < 0 else (0, 0, 0), 0.3 * abs(share) ** 1.5),
        )
    disc(draw, x, top, 160, mix(glaze, (255, 255, 255), 0.25), 0.26)
    disc(draw, x, top + 5, 142, pick(rng, (88, 58, 40), (196, 180, 150), (150, 110, 74)), 0.23)
    return image


def lamp(rng: np.random.Generator) -> Image.Image:
    x, wide = W * rng.uniform(0.36, 0.64), rng.uniform(150, 200)
    image = shadow(room(rng), (x - 160, H * 0.86, x + 170, H * 0.93))
    shade = pick(rng, (224, 208, 176), (180, 196, 196), (206, 176, 160), (150, 150, 160))
    image = glow(image, x, H * 0.34, 190, (255, 240, 208), 0.45)
    draw = ImageDraw.Draw(image)
    draw.rectangle((x - 8, H * 0.4, x + 8, H * 0.87), fill=(90, 86, 84))
    disc(draw, x, H * 0.88, 110, (74, 70, 70), 0.22)
    draw.polygon(
        [(x - wide, H * 0.46), (x + wide, H * 0.46), (x + wide * 0.55, H * 0.14), (x - wide * 0.55, H * 0.14)],
        fill=shade,
    )
    for k in range(9):
        share = k / 8 * 2 - 1
        draw.line(
            (x + wide * 0.55 * share, H * 0.14, x + wide * share, H * 0.46), fill=mix(shade, (0, 0, 0), 0.1), width=3
        )
    return image


def books(rng: np.random.Generator) -> Image.Image:
    image = gradient((150, 132, 112), (126, 110, 94))
    draw = ImageDraw.Draw(image)
    for shelf in (0.46, 0.94):
        x, board = 24.0, H * shelf
        while x < W - 60:
            wide, tall = rng.uniform(30, 74), rng.uniform(0.26, 0.4) * H
            cover = pick(
                rng,
                (120, 60, 56),
                (58, 82, 110),
                (86, 106, 76),
                (168, 144, 96),
                (90, 80, 100),
                (190, 182, 168),
                (60, 60, 66),
            )
            draw.rectangle((x, board - tall, x + wide - 3, board), fill=cover)
            draw.rectangle((x, board - tall, x + 7, board), fill=mix(cover, (255, 255, 255), 0.2))
            for share in (0.15, 0.8):
                draw.rectangle(
                    (x + 6, board - tall * share - 10, x + wide - 9, board - tall * share),
                    fill=mix(cover, (230, 210, 150), 0.6),
                )
            x += wide + (rng.uniform(30, 90) if rng.random() < 0.1 else 0)
        draw.rectangle((0, board, W, board + 26), fill=(96, 74, 56))
    return veil(image, (255, 246, 226), clouds(rng, 2, 3) * 0.14)


def clock(rng: np.random.Generator) -> Image.Image:
    image = room(rng)
    x, y, r = W / 2 + rng.normal(0, 40), H * 0.4, rng.uniform(210, 250)
    image = shadow(image, (x - r + 26, y - r + 36, x + r + 26, y + r + 36), 0.3)
    draw = ImageDraw.Draw(image)
    disc(draw, x, y, r, pick(rng, (70, 70, 78), (130, 98, 66), (108, 124, 130)))
    disc(draw, x, y, r - 26, (238, 234, 226))
    for k in range(60):
        angle, inner = 2 * np.pi * k / 60, r - (70 if k % 5 == 0 else 48)
        draw.line(
            (
                x + inner * np.cos(angle),
                y + inner * np.sin(angle),
                x + (r - 36) * np.cos(angle),
                y + (r - 36) * np.sin(angle),
            ),
            fill=(60, 60, 66),
            width=8 if k % 5 == 0 else 3,
        )
    hour = rng.uniform(0, 12)
    for turn, length, width in ((hour / 12, 0.48, 16), (hour % 1, 0.7, 10)):
        angle = 2 * np.pi * turn - np.pi / 2
        draw.line(
            (x, y, x + r * length * np.cos(angle), y + r * length * np.sin(angle)), fill=(40, 40, 46), width=width
        )
    disc(draw, x, y, 16, (40, 40, 46))
    return image


def bricks(rng: np.random.Generator) -> Image.Image:
    base = pick(rng, (156, 100, 82), (150, 142, 132), (132, 112, 98), (120, 124, 132))
    image = Image.new("RGB", (W, H), mix(base, (225, 220, 210), 0.6))
    draw = ImageDraw.Draw(image)
    tall, wide = rng.uniform(58, 84), rng.uniform(150, 210)
    for row in range(int(H / tall) + 1):
        for column in range(-1, int(W / wide) + 1):
            x, y = (column + 0.5 * (row % 2)) * wide, row * tall
            draw.rectangle(
                (x + 5, y + 5, x + wide - 5, y + tall - 5),
                fill=mix(base, pick(rng, (0, 0, 0), (255, 240, 220)), rng.uniform(0, 0.25)),
            )
    return veil(veil(image, (0, 0, 0), clouds(rng, 8) * 0.25), (255, 255, 255), clouds(rng, 16, 4) * 0.12)


def boxes(rng: np.random.Generator) -> Image.Image:
    image = shadow(room(rng), (W * 0.12, H * 0.82, W * 0.9, H * 0.95))
    draw = ImageDraw.Draw(image)
    base = H * 0.88
    for x, size in (
        (W * 0.2, rng.uniform(220, 270)),
        (W * 0.5, rng.uniform(240, 300)),
        (W * 0.33, rng.uniform(170, 200)),
    ):
        card = mix((186, 148, 104), pick(rng, (150, 130, 110), (210, 180, 140), (140, 150, 150)), rng.uniform(0.1, 0.8))
        y = base if x != W * 0.33 else base - 225
        depth = size * 0.3
        draw.rectangle((x, y - size * 0.8, x + size, y), fill=card)
        draw.polygon(
            [(x, y - size * 0.8), (x + depth, y - size), (x + size + depth, y - size), (x + size, y - size * 0.8)],
            fill=mix(card, (255, 255, 255), 0.25),
        )
        draw.polygon(
            [
                (x + size, y - size * 0.8),
                (x + size + depth, y - size),
                (x + size + depth, y - size * 0.2),
                (x + size, y),
            ],
            fill=mix(card, (0, 0, 0), 0.25),
        )
        draw.rectangle((x + size * 0.42, y - size * 0.8, x + size * 0.56, y), fill=mix(card, (240, 230, 200), 0.45))
    return image


def tiles(rng: np.random.Generator) -> Image.Image:
    first = pick(rng, (120, 140, 150), (160, 150, 130), (110, 110, 124), (150, 130, 120))
    second = mix(first, (240, 240, 236), 0.55)
    image = Image.new("RGB", (W, H), (214, 210, 204))
    draw = ImageDraw.Draw(image)
    size, style = rng.uniform(84, 134), int(rng.integers(3))
    for row in range(int(H / size) + 2):
        for column in range(int(W / size) + 2):
            x, y = column * size, row * size
            colour = first if (row + column) % 2 else second
            draw.rectangle((x + 3, y + 3, x + size - 3, y + size - 3), fill=mix(colour, (0, 0, 0), rng.uniform(0, 0.1)))
            if style == 1:
                disc(draw, x + size / 2, y + size / 2, size * 0.26, second if colour == first else first)
            elif style == 2:
                middle = [
                    (x + size / 2, y + 12),
                    (x + size - 12, y + size / 2),
                    (x + size / 2, y + size - 12),
                    (x + 12, y + size / 2),
                ]
                draw.polygon(middle, fill=second if colour == first else first)
    return veil(image, (0, 0, 0), clouds(rng, 2, 4) * 0.25)

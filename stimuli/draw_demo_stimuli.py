"""Draw the demo pictures and write stimuli.tsv: ``python stimuli/draw_demo_stimuli.py [FOLDER]``.

72 scenes in three classes, from a fixed seed, so that the whole loop can be tried without a picture set that
may not be shared. Their norms are made up; nobody has rated them. Mean luminance is spread alike over
the classes, so that brightness alone tells nothing; other picture statistics are not matched.
"""

import csv
import hashlib
import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from drawing import everyday, pleasant, unpleasant
from drawing.brushes import HEIGHT, WIDTH
from PIL import Image

SEED = 20260101
PER_CLASS = 24
SOURCE = "drawn by draw_demo_stimuli.py; norms made up, not validated"

COLUMNS = (
    "id", "file", "kind", "category", "sha256", "valence_mean", "valence_sd", "arousal_mean", "arousal_sd",
    "scale_min", "scale_max", "source", "sensitive",
)  # fmt: skip

Scene = Callable[[np.random.Generator], Image.Image]


# Within a class from the darkest kind of scene to the brightest.
SCENES: dict[str, dict[str, Scene]] = {
    "negative": {
        "Storm": unpleasant.storm,
        "Fire": unpleasant.fire,
        "Graveyard": unpleasant.graveyard,
        "Crying face": unpleasant.crying_face,
        "Snake": unpleasant.snake,
        "Broken glass": unpleasant.broken_glass,
        "Spider": unpleasant.spider,
        "Drought": unpleasant.cracked_ground,
    },
    "neutral": {
        "Tiles": everyday.tiles,
        "Books": everyday.books,
        "Boxes": everyday.boxes,
        "Lamp": everyday.lamp,
        "Chair": everyday.chair,
        "Mug": everyday.mug,
        "Clock": everyday.clock,
        "Bricks": everyday.bricks,
    },
    "positive": {
        "Fireworks": pleasant.fireworks,
        "Sunset": pleasant.sunset_sea,
        "Rainbow": pleasant.rainbow,
        "Hills": pleasant.sunny_hills,
        "Flowers": pleasant.blossoms,
        "Balloons": pleasant.balloons,
        "Butterfly": pleasant.butterfly,
        "Smiling face": pleasant.smiling_face,
    },
}
# Made-up norms on 1 to 7: middle and half-range of valence; arousal of each kind of scene.
VALENCE = {"negative": (2.2, 0.9), "neutral": (4.0, 0.42), "positive": (5.8, 0.9)}
AROUSAL = {
    "Storm": 4.9, "Fire": 5.6, "Spider": 5.3, "Broken glass": 4.2, "Drought": 3.2, "Graveyard": 2.9, "Crying face": 3.8,
    "Snake": 5.5, "Chair": 2.2, "Mug": 2.9, "Lamp": 2.5, "Books": 3.2, "Clock": 3.6, "Bricks": 2.4, "Boxes": 2.8,
    "Tiles": 4.1, "Hills": 3.2, "Sunset": 2.8, "Flowers": 3.4, "Smiling face": 4.6, "Balloons": 4.9, "Rainbow": 4.1,
    "Butterfly": 3.7, "Fireworks": 6.0,
}  # fmt: skip


def expose(image: Image.Image, luminance: float) -> Image.Image:
    """Bring the mean luminance (0 to 255) to a target: a mild gamma curve first, then dimming or a light haze."""
    small = image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    pixels = np.asarray(small, dtype=float) / 255
    gammas = np.geomspace(0.6, 1.8, 41)
    means = [_luminance(pixels**g) for g in gammas]
    pixels = pixels ** gammas[int(np.argmin(np.abs(np.array(means) - luminance)))]
    reached = _luminance(pixels)
    if reached > luminance:
        pixels *= luminance / reached
    else:
        pixels = 1 - (1 - pixels) * (255 - luminance) / (255 - reached)
    return Image.fromarray((pixels * 255).round().astype(np.uint8))


def _luminance(pixels: np.ndarray) -> float:
    return float((pixels @ np.array([0.299, 0.587, 0.114])).mean() * 255)


def plan_pictures() -> list[tuple[str, str, str, float]]:
    """Decide (id, class, category, mean luminance) of every picture, in table order."""
    rng = np.random.default_rng(SEED)
    planned: list[tuple[str, str, float]] = []
    for condition, scenes in SCENES.items():
        # The same spread of brightness in every class; dark scenes mostly get the dark end, so that they look right.
        kinds = np.arange(PER_CLASS) % len(scenes)
        targets = np.empty(PER_CLASS)
        targets[np.argsort(kinds + rng.normal(0, 1.2, PER_CLASS))] = np.linspace(92, 164, PER_CLASS)
        planned += [(condition, list(scenes)[k], float(t)) for k, t in zip(kinds, targets, strict=True)]
    order = rng.permutation(len(planned))
    return [(f"demo{n + 1:02d}", *planned[int(i)]) for n, i in enumerate(order)]


def draw_picture(name: str, condition: str, category: str, luminance: float) -> Image.Image:
    """Draw one picture; its own seed makes it independent of the others."""
    rng = np.random.default_rng([SEED, int(name.removeprefix("demo"))])
    scene = SCENES[condition][category](rng)
    # Mirroring half of them doubles the variety; a mirrored clock would tell the wrong time.
    if rng.random() < 0.5 and category != "Clock":
        scene = scene.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return expose(scene, luminance)


def norms(condition: str, category: str, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Made-up valence mean and SD, arousal mean and SD."""
    middle, half = VALENCE[condition]
    valence = middle + half * rng.uniform(-1, 1)
    arousal = float(np.clip(AROUSAL[category] + rng.normal(0, 0.45), 1.2, 6.8))
    return valence, rng.uniform(0.9, 1.4), arousal, rng.uniform(1.4, 1.9)


def write_set(folder: Path) -> None:
    """Write pictures and stimuli.tsv into a folder."""
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED + 1)
    with (folder / "stimuli.tsv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(COLUMNS)
        for name, condition, category, luminance in plan_pictures():
            buffer = io.BytesIO()
            draw_picture(name, condition, category, luminance).save(buffer, "JPEG", quality=90)
            path = f"pictures/{name}.jpg"
            (folder / path).write_bytes(buffer.getvalue())
            digest = hashlib.sha256(buffer.getvalue()).hexdigest()
            numbers = [f"{v:.2f}" for v in norms(condition, category, rng)]
            table.writerow([name, path, "image", category, digest, *numbers, 1, 7, SOURCE, "false"])


def add_statistics(folder: Path) -> None:
    """Measure the pictures as an import does, so that the audit can tell what a model may read of them."""
    # Only here: drawing needs no installed program.
    from veridical.domain.image_statistics import STATISTIC_NAMES
    from veridical.features.image_statistics import image_statistics

    table = folder / "stimuli.tsv"
    lines = table.read_text(encoding="utf-8").splitlines()[1:]
    rows = [line.split("\t")[: len(COLUMNS)] for line in lines]
    measured = ["\t".join((*COLUMNS, "width_px", "height_px", *STATISTIC_NAMES))]
    for row in rows:
        found = image_statistics(folder / row[1])
        numbers = [f"{getattr(found, name):.10g}" for name in STATISTIC_NAMES]
        measured.append("\t".join((*row, str(WIDTH), str(HEIGHT), *numbers)))
    table.write_text("\n".join(measured) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    chosen = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    write_set(chosen)
    add_statistics(chosen)

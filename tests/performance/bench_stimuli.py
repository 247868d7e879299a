"""How long a set of 900 pictures takes to import: 500 x 400 JPEGs with EXIF and colour profiles, like OASIS.

Run ``python tests/performance/bench_stimuli.py [--pictures N] [--set FOLDER]``; ``--set`` takes a set of your own
instead. Prints wall and processor seconds of the import, of a check of all files, of a matched subset, and of the
browser's thumbnails. The issue allows 60 s on 2 cores.
"""

import argparse
import io
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from PIL import Image, ImageCms

from veridical.domain.matching import draw_matched_subset
from veridical.domain.progress import Work
from veridical.services.stimuli import SubsetRequest, check_work, subset_candidates
from veridical.services.stimulus_import import ImportRequest, import_work
from veridical.services.study import create_study, open_study
from veridical.services.thumbnails import read_thumbnail


def draw_set(folder: Path, n: int) -> Path:
    """Draw pictures with the spectrum of natural scenes, and a table like OASIS.csv with bare carriage returns."""
    rng = np.random.default_rng(0)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010F] = "camera"
    height, width = 400, 500
    cycles = np.hypot(np.fft.fftfreq(height, 1 / height)[:, None], np.fft.rfftfreq(width, 1 / width)[None, :])
    falloff = 1 / np.maximum(cycles, 1)
    lines = [",Theme,Category,Source,Valence_mean,Valence_SD,Valence_N,Arousal_mean,Arousal_SD,Arousal_N"]
    (folder / "images").mkdir(parents=True)
    for k in range(n):
        noise = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((height, width))) * falloff, (height, width))
        detail = rng.standard_normal((height, width, 3)) * 6
        grey = 128 + 45 * (noise - noise.mean()) / noise.std()
        rgb = np.clip(grey[..., None] * rng.uniform(0.6, 1.2, 3) + detail, 0, 255).astype(np.uint8)
        buffer = io.BytesIO()
        options = {"icc_profile": profile} if k % 5 == 0 else {}
        Image.fromarray(rgb).save(buffer, "JPEG", quality=90, exif=exif.tobytes(), **options)
        (folder / "images" / f"Theme {k + 1}.jpg").write_bytes(buffer.getvalue())
        valence, arousal = rng.uniform(1.2, 6.8), rng.uniform(1.5, 6)
        lines.append(f"I{k + 1},Theme {k + 1},Object,drawn,{valence:.6f},1.0,100,{arousal:.6f},1.5,100")
    (folder / "OASIS.csv").write_bytes("\r".join(lines).encode())
    return folder


class Stopwatch:
    """Wall seconds, and processor seconds with those of children that ended."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), self._used()

    @staticmethod
    def _used() -> float:
        times = psutil.Process(os.getpid()).cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)

    def tell(self, what: str) -> None:
        """Print what was measured since the beginning."""
        sys.stdout.write(f"{what:<34} {time.monotonic() - self._wall:8.2f} s {self._used() - self._cpu:8.2f} CPU-s\n")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=900)
    parser.add_argument("--set", type=Path, default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="veridical-bench-") as name:
        folder = Path(name)
        source = options.set or draw_set(folder / "set", options.pictures)
        study = create_study(folder / "study")
        watch = Stopwatch()
        longest, last = 0.0, time.monotonic()
        work: Work[object] = import_work(study, ImportRequest(source))
        for _ in work:
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        watch.tell("import")
        sys.stdout.write(f"{'longest without progress or cancel':<34} {longest:8.2f} s\n")
        study = open_study(study.root)
        stimuli = study.stimuli.in_use
        sys.stdout.write(f"{'pictures':<34} {len(stimuli):8d}\n")
        watch = Stopwatch()
        for _ in check_work(study.paths, stimuli):
            pass
        watch.tell("check of all files")
        watch = Stopwatch()
        for _ in check_work(study.paths, stimuli):
            pass
        watch.tell("the same again")
        candidates = subset_candidates(study.stimuli, SubsetRequest(1))
        n = min(40, *(sum(s.condition == c for s in candidates) for c in ("negative", "neutral", "positive")))
        watch = Stopwatch()
        subset = draw_matched_subset(candidates, n, 1)
        watch.tell(f"matched subset of {n} per class")
        sys.stdout.write(
            f"{'worst difference before, after':<34} {subset.worst_before:8.2f} {subset.worst_after:10.2f}\n"
        )
        watch = Stopwatch()
        for stimulus in stimuli[:100]:
            read_thumbnail(study.paths, stimulus, 264)
        watch.tell("100 thumbnails")


if __name__ == "__main__":
    main()

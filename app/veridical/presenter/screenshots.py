"""Pictures of the participant's screen for the documentation: ``python -m veridical.presenter.screenshots FOLDER``."""

import argparse
import contextlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from veridical.domain.errors import VeridicalError
from veridical.domain.items import BUILT_IN, CONFIDENCE
from veridical.domain.rating import AROUSAL, VALENCE, Scale
from veridical.domain.run import ScreenChoice
from veridical.domain.stimulus import Stimulus
from veridical.domain.view import SliderView, View
from veridical.paths import demo_stimuli
from veridical.presenter.clock import LslClock
from veridical.presenter.texts import Texts, load_texts
from veridical.storage.stimuli_table import read_stimuli

# Long enough for the first frame of any video.
_FRAME_S = 0.05


def save_screenshots(
    folder: Path,
    views: Mapping[str, View],
    stimuli: Sequence[Stimulus],
    scales: Sequence[Scale],
    texts: Texts,
    choice: ScreenChoice,
) -> tuple[Path, ...]:
    """Draw views with PsychoPy as a participant would see them and save them as PNG.

    Needs a display (Xvfb will do) and a process of its own: PsychoPy leaves its window behind.

    Parameters
    ----------
    views : mapping
        File names without suffix, and the views to draw.
    stimuli : sequence of Stimulus
        Those that the views show; ``file`` is absolute. Videos are shown with their first frame, sounds not heard.

    Returns
    -------
    tuple of Path
        The files, in the order of ``views``.

    Raises
    ------
    ProcessError, StimulusError
        If there is no such screen, or a picture cannot be shown.
    """
    # Imported here: PsychoPy takes seconds and must not load where there is no display.
    from veridical.presenter.psychopy_screen import PsychopyScreen

    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    with contextlib.closing(PsychopyScreen(choice, LslClock())) as screen:
        screen.preload(stimuli, scales, texts, [s.id for s in stimuli])
        for name, view in views.items():
            files.append(folder / f"{name}.png")
            if view.kind == "video":
                for _ in screen.prepare(view.stimulus_id, _FRAME_S):
                    pass
            screen.capture(view).save(files[-1])
    return tuple(files)


def sample_views(
    texts: Texts, stimulus_id: str, typed: str, video_id: str = ""
) -> tuple[tuple[Scale, ...], dict[str, View]]:
    """Return one view of every kind by its file name, and the scales that they show."""
    slider_scales = tuple(
        replace(texts.translate(s), id=f"{s.id}-slider", kind="affective-slider", minimum=0, maximum=1)
        for s in (VALENCE, AROUSAL)
    )
    analogue = replace(texts.translate(CONFIDENCE), kind="visual-analogue", minimum=0, maximum=100)
    built_in = tuple(texts.translate(s) for s in BUILT_IN if s.id != analogue.id)
    scales = (*built_in, analogue, texts.attention_scale(5), *slider_scales)
    first, second = (SliderView(s.id) for s in slider_scales)
    views = {
        "participant-fixation": View("fixation"),
        "participant-picture": View("picture", stimulus_id=stimulus_id, corner=True),
        "participant-rating": View("rating", scale_id="valence"),
        "participant-rating-chosen": View("rating", scale_id="arousal", selected=6),
        "participant-sliders": View("sliders", sliders=(first, second)),
        "participant-sliders-moved": View(
            "sliders", sliders=(replace(second, step=72), replace(first, step=24)), focus=1, is_ready=True
        ),
        "participant-analogue": View("sliders", sliders=(SliderView(analogue.id, 60),), is_ready=True),
        "participant-choice": View("rating", scale_id="emotion", selected=2),
        "participant-words": View("rating", scale_id="comment", text=typed),
        "participant-attention": View("rating", scale_id="attention-5"),
        "participant-sound": View("sound", stimulus_id="sound", corner=True),
        "participant-seen-before": View("rating", scale_id="seen", stimulus_id=stimulus_id, selected=1),
        **{f"participant-{key.replace('_', '-')}": View("text", text=texts.screen(key)) for key in texts.screen_keys},
    }
    if video_id:
        views["participant-video"] = View("video", stimulus_id=video_id, corner=True)
    return scales, views


def main(arguments: list[str] | None = None) -> int:
    """Save one of every kind of screen with a demo picture; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m veridical.presenter.screenshots", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--picture", default="demo01", help="id of the demo picture")
    parser.add_argument("--video", type=Path, help="a video to show too; without it there is no picture of one")
    parser.add_argument("--language", default="en")
    parser.add_argument("--typed", default="A summer by the sea.", help="what stands in the box for free text")
    parser.add_argument("--size", type=int, nargs=2, default=(1280, 800), metavar=("WIDTH", "HEIGHT"))
    options = parser.parse_args(arguments)
    try:
        texts = load_texts({"language": options.language})
        shipped = read_stimuli(demo_stimuli() / "stimuli.tsv").get(options.picture)
        stimulus = replace(shipped, file=str(demo_stimuli() / shipped.file))
        videos = () if options.video is None else (Stimulus("video", str(options.video.resolve()), "video"),)
        scales, views = sample_views(texts, stimulus.id, options.typed, *(v.id for v in videos))
        choice = ScreenChoice(fullscreen=False, width_px=options.size[0], height_px=options.size[1])
        save_screenshots(options.folder, views, (stimulus, *videos), scales, texts, choice)
    except VeridicalError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

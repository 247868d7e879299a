"""The transfer block: videos and sounds that show whether a model of pictures holds for more than pictures."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from veridical.domain.errors import ProtocolError
from veridical.domain.ordering import OrderRules, order_clips
from veridical.domain.stimulus import Condition, Stimulus, StimulusSet


def draw_clips(
    stimuli: StimulusSet,
    conditions: Sequence[Condition],
    n_clips: int,
    rules: OrderRules,
    rng: np.random.Generator,
    include_sensitive: bool = False,
) -> tuple[Stimulus, ...]:
    """Draw videos and sounds and their order: classes mixed, as many of each as divides, a pleasant one last.

    Parameters
    ----------
    n_clips : int
        0 draws none.
    rules : OrderRules
        Of the pictures; runs and a pleasant end (of one clip) hold here too.

    Raises
    ------
    ProtocolError
        If the set has too few clips of a class, or no order keeps the rules.
    """
    if not n_clips:
        return ()
    own = replace(rules, n_blocks=1, repeat_distance=1, n_pleasant_end=min(1, rules.n_pleasant_end))
    classes = order_clips(conditions, n_clips, own, rng)
    usable = [s for s in stimuli.in_use if s.kind != "image" and (include_sensitive or not s.sensitive)]
    drawn: dict[Condition, list[Stimulus]] = {}
    for condition, n in Counter(classes).items():
        pool = [s for s in usable if s.condition == condition]
        if len(pool) < n:
            raise ProtocolError(
                f"The transfer block asks for {n} {condition} videos or sounds and the set has {len(pool)}; import "
                "more of them or lower n_clips in study.toml."
            )
        drawn[condition] = [pool[int(k)] for k in rng.permutation(len(pool))[:n]]
    return tuple(drawn[condition].pop() for condition in classes)

"""The figures of the report; every one returns inline SVG with an alternative text that carries its numbers."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from matplotlib.colors import to_rgb

from veridical.audit.wording import percent
from veridical.domain.arrays import FloatArray
from veridical.domain.electrodes import head_position
from veridical.domain.evaluation import Finding, Validation
from veridical.domain.pattern import ModelPattern
from veridical.domain.trial_table import TrialRow
from veridical.reports.drawing import (
    BAND,
    INK,
    LINE,
    MODEL,
    NEGATIVE,
    NEUTRAL,
    PAPER,
    POSITIVE,
    QUIET,
    calm,
    figure,
    percent_axis,
    to_svg,
)
from veridical.signals.scalp import EDGE, interpolate_scalp

# Of a scalp map, from one class over nothing to the other.
_N_SHADES = 16
_GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))
# Scale steps between equal answers: marks touch and do not hide one another.
_SPREAD = 0.17
# The page's text column at 96 CSS pixels an inch.
WIDE_IN = 9.6
# The same marks as the window's valence x arousal plane: the class by norms, so that place tells what this person
# said and shape what others say.
CONDITION_STYLE = {"negative": (NEGATIVE, "v"), "neutral": (NEUTRAL, "s"), "positive": (POSITIVE, "o")}


def score_figure(v: Validation) -> str:
    """Draw balanced accuracy with its interval over the band in which guessing ends."""
    low, high = v.interval95
    left, right = min(0.3, low - 0.05), max(0.9, high + 0.05)
    with figure(6.6, 1.15) as drawn:
        axes = drawn.subplots()
        axes.axvspan(1 - v.chance95, v.chance95, color=BAND, lw=0)
        axes.axvline(0.5, color=QUIET, lw=1)
        axes.plot([low, high], [0, 0], color=MODEL, lw=5, solid_capstyle="round", alpha=0.45)
        axes.plot([v.balanced_accuracy], [0], "o", color=MODEL, ms=11, mec=PAPER, mew=1.5)
        axes.annotate("guessing", (0.5, 0.62), ha="center", color=QUIET, fontsize=9.5, bbox=_halo())
        axes.set(xlim=(left, right), ylim=(-0.8, 1.1), yticks=[])
        axes.spines["left"].set_visible(False)
        percent_axis(axes)
        calm(axes)
        axes.set_xlabel("Balanced accuracy in trials the model never saw")
        alt = (
            f"Balanced accuracy {percent(v.balanced_accuracy)}, 95 % interval {percent(low)} to {percent(high)}; "
            f"guessing stays below {percent(v.chance95)} in 95 % of shuffles."
        )
        return to_svg(drawn, "score", alt)


def fold_figure(v: Validation) -> str:
    """Draw the AUC of every outer fold in the order of the session."""
    scores = np.asarray(v.fold_scores, dtype=float)
    numbers = np.arange(1, len(scores) + 1)
    known = np.isfinite(scores)
    with figure(4.7, 3.0) as drawn:
        axes = drawn.subplots()
        axes.axhline(0.5, color=QUIET, lw=1)
        axes.axhline(v.auc, color=MODEL, lw=1.5, ls=(0, (4, 3)))
        axes.vlines(numbers[known], 0.5, scores[known], color=MODEL, lw=1.5, alpha=0.5)
        axes.plot(numbers[known], scores[known], "o", color=MODEL, ms=7, mec=PAPER)
        for number in numbers[~known]:
            axes.annotate("one class", (number, 0.5), rotation=90, ha="center", va="center", color=QUIET, fontsize=8.5,
                          bbox=_halo())  # fmt: skip
        axes.set(ylim=(-0.04, 1.04), xlim=(0.4, len(scores) + 1.9), yticks=[0, 0.25, 0.5, 0.75, 1])
        axes.set_xticks(numbers)
        axes.annotate("chance", (len(scores) + 0.55, 0.5), va="center", color=QUIET, fontsize=9.5, bbox=_halo())
        if abs(v.auc - 0.5) > 0.08:
            axes.annotate("mean", (len(scores) + 0.55, v.auc), va="center", color=MODEL, fontsize=9.5, bbox=_halo())
        axes.set(xlabel="Fold, in the order of the session", ylabel="AUC")
        calm(axes, "y")
        told = ", ".join("one class only" if not ok else f"{s:.2f}" for s, ok in zip(scores, known, strict=True))
        return to_svg(drawn, "folds", f"AUC of each fold in session order: {told}. Mean {v.auc:.2f}, chance 0.50.")


def pattern_figure(pattern: ModelPattern, upper: str) -> str:
    """Draw a head for every stretch of time; empty where the model reads no evoked samples or few electrodes.

    Parameters
    ----------
    upper : str
        The class that positive values go with.
    """
    maps = [(m, interpolate_scalp(m.labels, m.values)) for m in pattern.scalp]
    drawable = [(m, grid) for m, grid in maps if grid is not None]
    largest = max((float(np.abs(m.values).max()) for m, _ in drawable), default=0.0)
    if largest == 0:
        return ""
    edges = np.linspace(-1, 1, _N_SHADES + 1)
    shades = [(*to_rgb(POSITIVE if m > 0 else NEGATIVE), abs(m)) for m in (edges[1:] + edges[:-1]) / 2]
    with figure(WIDE_IN, 2.0) as drawn:
        for axes, (m, grid) in zip(drawn.subplots(1, len(drawable), squeeze=False)[0], drawable, strict=True):
            axis = np.linspace(-EDGE, EDGE, len(grid))
            shares = np.ma.masked_invalid(np.clip(grid / largest, -1, 1))
            axes.contourf(axis, -axis, shares, levels=edges, colors=shades)
            turn = np.linspace(0, 2 * np.pi, 90)
            axes.plot(EDGE * np.cos(turn), EDGE * np.sin(turn), color=QUIET, lw=1)
            axes.plot([-0.14, 0, 0.14], [1.05, 1.2, 1.05], color=QUIET, lw=1)
            places = np.array([place for label in m.labels if (place := head_position(label))])
            axes.plot(*places.T, "o", color=INK, ms=1.5)
            axes.set(xlim=(-1.2, 1.2), ylim=(-1.2, 1.3), aspect="equal")
            axes.set_title(f"{m.start_s:.2f}-{m.stop_s:.2f} s", fontsize=9.5, color=INK)
            axes.axis("off")
        told = "; ".join(
            f"{m.start_s:.2f} to {m.stop_s:.2f} s largest {1e6 * m.values[k]:.1f} µV at {m.labels[k]}"
            for m, k in ((m, int(np.argmax(np.abs(m.values)))) for m, _ in drawable)
        )
        alt = f"Scalp maps of the model's pattern, for one standard deviation towards {upper}: {told}."
        return to_svg(drawn, "pattern", alt)


def null_figure(v: Validation) -> str:
    """Draw the scores of all shuffles, with the model's."""
    null = np.asarray(v.null, dtype=float)
    null = null[np.isfinite(null)]
    left = min(0.2, float(null.min(initial=0.5)), v.auc) - 0.02
    right = max(0.8, float(null.max(initial=0.5)), v.auc) + 0.06
    with figure(4.7, 3.0) as drawn:
        axes = drawn.subplots()
        counts, _, _ = axes.hist(null, bins=np.linspace(left, right, 41).tolist(), color=NEUTRAL, alpha=0.55, lw=0)
        top = float(np.max(counts, initial=1.0))
        axes.vlines([v.auc], 0, 1.08 * top, color=MODEL, lw=2)
        side = "right" if v.auc > (left + right) / 2 else "left"
        axes.annotate(
            f"this model {v.auc:.2f}", (v.auc, 1.1 * top), ha=side, va="bottom", color=MODEL, fontsize=9.5
        )  # fmt: skip
        axes.set(xlim=(left, right), ylim=(0, 1.3 * top), xlabel="AUC", ylabel="Number of shuffles")
        calm(axes, "y")
        share = float(np.mean(null >= v.auc)) if len(null) else float("nan")
        alt = (
            f"Histogram of the AUC of {len(null)} shuffles of the ratings, centred near {np.mean(null):.2f}; "
            f"the model reaches {v.auc:.2f}, and {100 * share:.1f} % of the shuffles do as well or better."
            if len(null)
            else f"No shuffle could be scored; the model reaches an AUC of {v.auc:.2f}."
        )
        return to_svg(drawn, "null", alt)


def confound_figure(v: Validation, findings: Sequence[Finding]) -> str:
    """Draw the model beside every confound family: the family alone, and the model without it."""
    rows: list[tuple[str, float, str]] = [("the model", v.auc, "model")]
    for f in findings:
        if "auc_alone" in f.evidence:
            name = "artifacts" if f.threat == "artifact bias" else f.threat
            rows.append((f"{name} alone", f.evidence["auc_alone"], "alone"))
            if "auc_after" in f.evidence:
                rows.append((f"model without {name}", f.evidence["auc_after"], "after"))
    with figure(WIDE_IN, 0.75 + 0.33 * len(rows)) as drawn:
        axes = drawn.subplots()
        axes.axvline(0.5, color=QUIET, lw=1)
        for y, (_, auc, kind) in enumerate(rows):
            colour, marker, fill = (QUIET, "s", PAPER) if kind == "alone" else (MODEL, "o", MODEL)
            fill = PAPER if kind == "after" else fill
            axes.plot([0.5, auc], [y, y], color=colour, lw=1.5, alpha=0.5)
            axes.plot([auc], [y], marker, color=colour, mfc=fill, mew=1.8, ms=8)
            far = auc + (0.018 if auc >= 0.5 else -0.018)
            axes.annotate(
                f"{auc:.2f}", (far, y), va="center", ha="left" if auc >= 0.5 else "right", color=INK, fontsize=9.5
            )  # fmt: skip
        low = min(0.3, *(auc for _, auc, _ in rows)) - 0.06
        axes.set(ylim=(len(rows) - 0.4, -0.6), xlim=(low, 1.02), xlabel="AUC (0.5 is chance)")
        axes.set_yticks(range(len(rows)), [label for label, _, _ in rows])
        axes.tick_params(axis="y", labelcolor=INK)
        axes.spines["left"].set_visible(False)
        calm(axes, "x")
        alt = "AUC, where 0.5 is chance: " + "; ".join(f"{label} {auc:.2f}" for label, auc, _ in rows) + "."
        return to_svg(drawn, "confounds", alt)


def plane_figure(trials: Sequence[TrialRow]) -> str:
    """Draw the participant's own ratings on the valence x arousal plane (valence to the right, arousal up).

    Equal answers are spread on a sunflower, so that every trial is seen; marks tell the class by norms.
    """
    shown = [t for t in trials if _both_answered(t)]
    answered = [(t.ratings["valence"], t.ratings["arousal"]) for t in shown]
    if not answered:
        return ""
    valence = np.array([v.value for v, _ in answered], dtype=float)
    arousal = np.array([a.value for _, a in answered], dtype=float)
    v_range = (answered[0][0].minimum, answered[0][0].maximum)
    a_range = (answered[0][1].minimum, answered[0][1].maximum)
    v_mid, a_mid = sum(v_range) / 2, sum(a_range) / 2
    x, y = _sunflower(valence, arousal)
    side = np.sign(valence - v_mid).astype(int)
    conditions = np.array([_condition(t) for t in shown])
    with figure(4.7, 4.7) as drawn:
        axes = drawn.subplots()
        axes.axvline(v_mid, color=LINE, lw=1)
        axes.axhline(a_mid, color=LINE, lw=1)
        for condition, (colour, marker) in CONDITION_STYLE.items():
            here = conditions == condition
            axes.plot(x[here], y[here], marker, color=colour, ms=5.5, mec=PAPER, mew=0.6, ls="none", alpha=0.9)
        axes.set(
            xlim=(v_range[0] - 0.5, v_range[1] + 0.5),
            ylim=(a_range[0] - 0.5, a_range[1] + 0.5),
            aspect="equal" if v_range == a_range else "auto",
            xlabel="Valence: negative to positive",
            ylabel="Arousal: low to high",
        )
        if v_range[1] - v_range[0] <= 10:
            axes.set_xticks(np.arange(v_range[0], v_range[1] + 1))
            axes.set_yticks(np.arange(a_range[0], a_range[1] + 1))
        axes.spines[["top", "right"]].set_visible(True)
        calm(axes)
        n = {sign: int((side == sign).sum()) for sign in (-1, 0, 1)}
        alt = (
            f"Own ratings of {len(x)} trials on the valence by arousal plane: {n[-1]} below the valence midpoint, "
            f"{n[0]} on it, {n[1]} above; mean arousal {arousal.mean():.1f} of {a_range[0]:g} to {a_range[1]:g}."
        )
        return to_svg(drawn, "plane", alt)


def session_figure(trials: Sequence[TrialRow], kept: Sequence[bool], target: str) -> str:
    """Draw the target rating of every trial over the session; dropped trials are hollow, blocks are parted.

    Marks tell the class by norms, as on the plane.
    """
    numbers = np.arange(1, len(trials) + 1)
    values = np.array([np.nan if t.value(target) is None else t.value(target) for t in trials], dtype=float)
    known = np.isfinite(values)
    if not known.any():
        return ""
    rating = next(t.ratings[target] for t in trials if target in t.ratings)
    middle = (rating.minimum + rating.maximum) / 2
    conditions = np.array([_condition(t) for t in trials])
    stays = np.asarray(kept, dtype=bool)
    with figure(WIDE_IN, 2.6) as drawn:
        axes = drawn.subplots()
        axes.axhline(middle, color=QUIET, lw=1)
        for i in range(1, len(trials)):
            if trials[i].block != trials[i - 1].block:
                axes.axvline(i + 0.5, color=LINE, lw=1)
        for condition, (colour, marker) in CONDITION_STYLE.items():
            for is_kept in (True, False):
                here = known & (conditions == condition) & (stays == is_kept)
                fill = colour if is_kept else "none"
                axes.plot(numbers[here], values[here], marker, color=colour, mfc=fill, ms=6, ls="none", mew=1.2)
        missing = np.flatnonzero(~known)
        axes.plot(numbers[missing], np.full(len(missing), rating.minimum - 0.6), "x", color=QUIET, ms=5, mew=1.2)
        axes.set(
            xlim=(0, len(trials) + 1),
            ylim=(rating.minimum - 0.9, rating.maximum + 0.5),
            xlabel="Trial, in the order of the session",
            ylabel=f"{target.capitalize()} rating",
        )
        if rating.maximum - rating.minimum <= 10:
            axes.set_yticks(np.arange(rating.minimum, rating.maximum + 1))
        calm(axes)
        alt = (
            f"{target.capitalize()} rating of {len(trials)} trials in session order; {int((~stays).sum())} trials were "
            f"dropped (hollow) and {len(missing)} have no answer (crosses)."
        )
        return to_svg(drawn, "session", alt)


def _condition(trial: TrialRow) -> str:
    return trial.condition if trial.condition in CONDITION_STYLE else "neutral"


def _both_answered(trial: TrialRow) -> bool:
    return trial.value("valence") is not None and trial.value("arousal") is not None


def _sunflower(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Spread equal points like sunflower seeds around their place; no randomness, so figures repeat."""
    spread_x, spread_y = x.astype(float).copy(), y.astype(float).copy()
    seen: Counter[tuple[float, float]] = Counter()
    for i, place in enumerate(zip(x.tolist(), y.tolist(), strict=True)):
        k = seen[place]
        seen[place] += 1
        spread_x[i] += _SPREAD * np.sqrt(k) * np.cos(k * _GOLDEN_ANGLE)
        spread_y[i] += _SPREAD * np.sqrt(k) * np.sin(k * _GOLDEN_ANGLE)
    return spread_x, spread_y


def _halo() -> dict[str, object]:
    return {"facecolor": PAPER, "edgecolor": "none", "pad": 1.5}

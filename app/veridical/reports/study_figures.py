"""Figures of the study's report: every participant's score, and own against pooled models."""

from collections.abc import Sequence

import numpy as np

from veridical.audit.population import Prevalence
from veridical.audit.wording import percent
from veridical.reports.drawing import BAND, INK, MODEL, PAPER, QUIET, calm, figure, percent_axis, to_svg
from veridical.reports.figures import WIDE_IN
from veridical.reports.study_content import PersonScore

_ROW_IN = 0.34


def forest_figure(people: Sequence[PersonScore]) -> str:
    """Draw every participant's balanced accuracy with interval and chance line; filled: nothing explains it."""
    with figure(WIDE_IN, 0.9 + _ROW_IN * len(people)) as drawn:
        axes = drawn.subplots()
        axes.axvline(0.5, color=QUIET, lw=1)
        for row, person in enumerate(people):
            low, high = person.interval95
            axes.barh([row], [person.chance95 - 0.5], left=0.5, height=0.8, color=BAND, lw=0)
            axes.plot([low, high], [row, row], color=MODEL, lw=3, alpha=0.45, solid_capstyle="round")
            is_best = person.kind == "above chance"
            axes.plot(
                [person.balanced_accuracy], [row], "o", color=MODEL, mfc=MODEL if is_best else PAPER, mew=1.8, ms=8
            )
            axes.annotate(
                percent(person.balanced_accuracy), (1.0, row), xycoords=("axes fraction", "data"),
                xytext=(8, 0), textcoords="offset points", va="center", color=INK, fontsize=9.5,
            )  # fmt: skip
        ends = [x for p in people for x in p.interval95]
        axes.set(
            xlim=(min(0.3, *ends) - 0.02, max(0.9, *ends) + 0.02),
            ylim=(len(people) - 0.4, -0.6),
            xlabel="Balanced accuracy in trials the model never saw; grey: where guessing ends",
        )
        axes.set_yticks(range(len(people)), [p.participant for p in people])
        axes.tick_params(axis="y", labelcolor=INK)
        axes.spines["left"].set_visible(False)
        percent_axis(axes)
        calm(axes)
        told = "; ".join(
            f"{p.participant} {percent(p.balanced_accuracy)} ({percent(p.interval95[0])} to {percent(p.interval95[1])})"
            for p in people
        )
        return to_svg(drawn, "forest", f"Balanced accuracy with 95 % interval by participant: {told}.")


def prevalence_figure(rows: Sequence[tuple[str, Prevalence]]) -> str:
    """Draw prevalences with their intervals."""
    with figure(WIDE_IN, 0.9 + 0.42 * len(rows)) as drawn:
        axes = drawn.subplots()
        for row, (_, p) in enumerate(rows):
            axes.plot([p.low, p.high], [row, row], color=MODEL, lw=5, alpha=0.45, solid_capstyle="round")
            axes.plot([p.estimate], [row], "o", color=MODEL, ms=9, mec=PAPER, mew=1.2)
        axes.set(xlim=(-0.02, 1.02), ylim=(len(rows) - 0.4, -0.6), xlabel="Share of people like these, 95 % interval")
        axes.set_yticks(range(len(rows)), [words for words, _ in rows])
        axes.tick_params(axis="y", labelcolor=INK)
        axes.spines["left"].set_visible(False)
        percent_axis(axes)
        calm(axes)
        told = "; ".join(f"{w} {percent(p.estimate)} ({percent(p.low)} to {percent(p.high)})" for w, p in rows)
        return to_svg(drawn, "prevalence", f"Prevalence with 95 % interval: {told}.")


def pooled_figure(people: Sequence[PersonScore]) -> str:
    """Draw AUC of own against pooled model for everybody who has both; empty if nobody has."""
    compared = [(p.auc_pooled, p.auc, p.participant) for p in people if p.auc_pooled is not None]
    if not compared:
        return ""
    pooled, own = np.array([c[0] for c in compared]), np.array([c[1] for c in compared])
    low, high = (
        min(0.3, float(own.min()), float(pooled.min())) - 0.03,
        max(0.9, float(max(own.max(), pooled.max()))) + 0.03,
    )
    with figure(4.7, 4.4) as drawn:
        axes = drawn.subplots()
        axes.plot([low, high], [low, high], color=QUIET, lw=1)
        axes.axvline(0.5, color=BAND, lw=1)
        axes.axhline(0.5, color=BAND, lw=1)
        axes.plot(pooled, own, "o", color=MODEL, mec=PAPER, mew=1.0, ms=8, ls="none")
        for x, y, name in zip(pooled, own, (c[2] for c in compared), strict=True):
            axes.annotate(name, (x, y), xytext=(6, 5), textcoords="offset points", color=INK, fontsize=9)
        axes.set(
            xlim=(low, high), ylim=(low, high), aspect="equal", xlabel="AUC of the model of all others",
            ylabel="AUC of the own model",
        )  # fmt: skip
        calm(axes)
        told = "; ".join(f"{n} own {y:.2f}, others {x:.2f}" for x, y, n in compared)
        return to_svg(drawn, "pooled", f"AUC of own and pooled models: {told}. Above the diagonal calibrating pays.")

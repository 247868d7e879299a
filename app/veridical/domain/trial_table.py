"""What was shown and answered, rebuilt from the recording's own markers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from veridical.domain.event import Event, Marker
from veridical.domain.rating import Rating, RatingStatus
from veridical.domain.stimulus import StimulusKind


@dataclass(frozen=True)
class TrialRow:
    """One analysed picture presentation.

    Parameters
    ----------
    onset_s : float
        Picture onset, seconds from the recording's origin.
    duration_s : float
        Until the picture went away (``picture/off``); 0 if that marker is missing.
    ratings : mapping
        By scale id.
    has_passed_check : bool or None
        Whether the attention check after this trial was answered as asked; None without one.
    kind : str
        ``image``; ``video`` or ``audio`` in a transfer block.
    """

    trial: int
    block: int
    stimulus_id: str
    condition: str
    onset_s: float
    duration_s: float
    repeat_of: int | None = None
    ratings: Mapping[str, Rating] = field(default_factory=dict)
    has_passed_check: bool | None = None
    kind: StimulusKind = "image"

    def value(self, scale: str) -> float | None:
        """The answer on a scale, None if it was not answered."""
        rating = self.ratings.get(scale)
        return rating.value if rating is not None and rating.status == "answered" else None


def rating_details(rating: Rating, trial: int | None, repeat_of: int | None = None) -> dict[str, str]:
    """Details of the ``rating/<scale>`` marker; ``text`` only where words were chosen or typed."""
    return {
        "value": "" if rating.value is None else f"{rating.value:g}",
        "status": rating.status,
        **({} if trial is None else {"trial": str(trial)}),
        "min": f"{rating.minimum:g}",
        "max": f"{rating.maximum:g}",
        "first": "" if rating.first_touch_s is None else f"{rating.first_touch_s:.4f}",
        "rt": "" if rating.submit_s is None else f"{rating.submit_s:.4f}",
        "changes": str(rating.n_changes),
        "device": rating.device,
        "order": str(rating.order),
        **({} if repeat_of is None else {"repeat_of": str(repeat_of)}),
        **({"text": rating.text} if rating.text else {}),
    }


def check_details(rating: Rating, trial: int, asked: int) -> dict[str, str]:
    """Details of the ``check/attention`` marker; a check that was not answered was not passed."""
    has_passed = rating.status == "answered" and rating.value == asked
    return {**rating_details(rating, trial), "asked": str(asked), "result": "passed" if has_passed else "failed"}


def parse_rating(marker: Marker) -> Rating:
    """Read a ``rating/<scale>`` marker (missing details become their neutral values)."""
    known: tuple[RatingStatus, ...] = ("answered", "timed_out", "skipped", "untouched")
    status: RatingStatus = next((s for s in known if s == marker.details.get("status")), "answered")
    minimum, maximum = marker.number("min"), marker.number("max")
    return Rating(
        scale=marker.name.partition("/")[2],
        value=marker.number("value"),
        minimum=1.0 if minimum is None else minimum,
        maximum=7.0 if maximum is None else maximum,
        first_touch_s=marker.number("first"),
        submit_s=marker.number("rt"),
        n_changes=int(marker.number("changes") or 0),
        device=marker.details.get("device", "none"),
        status=status,
        order=int(marker.number("order") or 0),
        text=marker.details.get("text", ""),
    )


def trials_from_events(events: Iterable[Event]) -> tuple[TrialRow, ...]:
    """Collect trials from ``picture/*`` (``video/*``, ``sound/*``), ``picture/off`` and ``rating/*`` markers.

    Practice markers (``practice/...``) and pictures that could not be shown (``picture/skipped``) are left
    out. Ratings join the picture with the same ``trial`` detail.
    """
    onsets: dict[int, TrialRow] = {}
    ratings: dict[int, dict[str, Rating]] = {}
    ends: dict[int, float] = {}
    checks: dict[int, bool] = {}
    for event in sorted(events, key=lambda e: e.onset_s):
        head, _, tail = event.marker.name.partition("/")
        number = event.marker.number("trial")
        if number is None:
            continue
        trial = int(number)
        kind = None if head == "practice" else event.marker.shown_kind
        if head != "practice" and event.marker.is_off:
            ends[trial] = event.onset_s
        elif kind is not None:
            repeat = event.marker.number("repeat_of")
            onsets[trial] = TrialRow(
                trial=trial,
                block=int(event.marker.number("block") or 0),
                stimulus_id=event.marker.details.get("id", ""),
                condition=tail,
                onset_s=event.onset_s,
                duration_s=0.0,
                repeat_of=None if repeat is None else int(repeat),
                kind=kind,
            )
        elif event.marker.name == "check/attention":
            checks[trial] = event.marker.details.get("result") == "passed"
        elif head == "rating":
            ratings.setdefault(trial, {})[tail] = parse_rating(event.marker)
    return tuple(
        TrialRow(
            trial=row.trial,
            block=row.block,
            stimulus_id=row.stimulus_id,
            condition=row.condition,
            onset_s=row.onset_s,
            duration_s=max(0.0, ends.get(trial, row.onset_s) - row.onset_s),
            repeat_of=row.repeat_of,
            ratings=ratings.get(trial, {}),
            has_passed_check=checks.get(trial),
            kind=row.kind,
        )
        for trial, row in sorted(onsets.items())
    )

"""``veridical agreement`` and ``veridical marks``: raters compared, marks to and from other programs."""

from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import msgspec

from veridical.cli.output import put, put_json
from veridical.domain.agreement import LabelAgreement
from veridical.domain.annotation import LABELS
from veridical.domain.errors import StorageError
from veridical.domain.participant import RunKey
from veridical.services.annotating import AnnotationDesk
from veridical.services.consensus import CONSENSUS, RaterAgreement, compare_raters
from veridical.services.mark_files import check_rater, export_marks, import_marks
from veridical.services.study import open_study
from veridical.storage.mark_exchange import MarkFormat, read_marks


@dataclass(frozen=True)
class RunChoice:
    """Which recording of which study."""

    study: Path
    participant: str
    session: str
    run: int

    @property
    def key(self) -> RunKey:
        """The run's key."""
        return RunKey(self.participant, self.session, self.run)


def run_agreement(files: tuple[Path, ...], seconds: float | None, as_json: bool) -> None:
    """Print how far the raters of two or more tables agree."""
    if len(files) < 2:
        raise StorageError("Agreement needs the tables of two raters or more.")
    found = [read_marks(file) for file in files]
    hashes = {f.recording for f in found if f.recording}
    if len(hashes) > 1:
        raise StorageError(
            "The tables belong to different recordings (the SHA-256 in the .json beside them differs); compare tables "
            "of one recording."
        )
    latest = max((m.stop_s for m in chain.from_iterable(f.marks.annotations for f in found)), default=0.0)
    length_s = seconds or latest
    if length_s <= 0:
        raise StorageError("No table holds a mark, so there is nothing to agree on.")
    raters = {str(file): f.marks for file, f in zip(files, found, strict=True)}
    agreement = compare_raters(raters, length_s)
    if as_json:
        put_json({"seconds": length_s, "is_length_known": seconds is not None, **msgspec.to_builtins(agreement)})
        return
    for line in agreement_lines(agreement):
        put(line)
    if seconds is None:
        put(f"Kappa and alpha over {length_s:.1f} s, up to the last mark; give the recording's length with --seconds.")


def agreement_lines(agreement: RaterAgreement) -> list[str]:
    """Agreement as a table for people."""
    lines = []
    for pair in agreement.pairs:
        lines.append(f"{pair.one} and {pair.other}")
        lines.append(
            f"  {'label':<16}{'kappa':>7}{'IoU':>7}{'F1':>7}{'events':>10}{'matched':>9}{'onset off':>11}{'end off':>9}"
        )
        lines += [f"  {_row(label)}" for label in pair.labels]
    if len(agreement.raters) > 2:
        lines.append("Krippendorff's alpha of all raters")
        lines += [f"  {_words(label):<16}{_number(value):>7}" for label, value in agreement.alpha]
    return lines


def run_marks_export(choice: RunChoice, out: Path, rater: str, fmt: MarkFormat | None, as_json: bool) -> None:
    """Write marks for another program."""
    study = open_study(choice.study)
    study.get_participant(choice.participant)
    name = check_rater(study, choice.key, rater)
    desk = AnnotationDesk(study, choice.key, name)
    try:
        n = export_marks(study, choice.key, name, out, desk.recording.origin_s, fmt)
    finally:
        desk.close()
    if as_json:
        put_json({"file": str(out), "rater": name, "marks": n})
    else:
        put(f"{out}: {n} marks of {name}")


def run_marks_import(choice: RunChoice, file: Path, rater: str, as_json: bool) -> None:
    """Bring marks from another program to a rater's own."""
    study = open_study(choice.study)
    study.get_participant(choice.participant)
    if rater == CONSENSUS:
        raise StorageError("A consensus is made of raters' marks; import under a rater's own name.")
    desk = AnnotationDesk(study, choice.key, rater)
    try:
        done = import_marks(study, choice.key, desk, file)
    finally:
        desk.close()
    if as_json:
        put_json({"file": str(file), "rater": rater, **msgspec.to_builtins(done)})
    else:
        put(done.words)


def _row(a: LabelAgreement) -> str:
    events = f"{a.n_events[0]} / {a.n_events[1]}"
    return (
        f"{_words(a.label):<16}{_number(a.kappa):>7}{_number(a.iou):>7}{_number(a.f1):>7}{events:>10}{a.n_matched:>9}"
        f"{_number(a.onset_error_s, ' s'):>11}{_number(a.stop_error_s, ' s'):>9}"
    )


def _words(label: str) -> str:
    return LABELS.get(label, label) or "any mark"


def _number(value: float | None, unit: str = "") -> str:
    return "–" if value is None else f"{value:.2f}{unit}".replace("-", "−")

"""Whether the audit tells participants of known truth apart: a table of people x checks, with rates and intervals.

``python tests/performance/bench_audit.py`` prints two tables. The first takes simulated participants through the whole
path (XDF recording, features, model, audit), about 20 s of processor time each; ``--seeds N`` sets how many of each
(default 12), ``--people a,b`` which. Results are kept in ``--store FILE`` (JSON lines), so that a run that was broken
off goes on. The second works on features (``--sets N``, default 300; ``--no-people`` prints it alone): null people, and
laughing ones whose artifact indices have a reliability of .4 to .9.

Seeds begin at 1; those from 9000 on served to choose the effect sizes and are not counted here.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import get_args

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scipy.stats import beta
from tests.acceptance.audited_people import Person, audit_person
from tests.acceptance.featured_people import RELIABILITIES, is_unexplained, laughing_set, null_set

from veridical.domain.simulation import PROFILES

PEOPLE: tuple[Person, ...] = (*PROFILES, "responsive-twice")
THREATS = (
    "chance", "overfitting", "too little data", "noise", "artifact bias", "picture confounds", "other rating",
    "time on task", "ground truth", "generalisation", "individual", "state mismatch", "analysis freedom",
    "calibration of probabilities",
)  # fmt: skip
# What has to be found in whom; a null participant is told by the verdict.
EXPECTED: dict[Person, str] = {
    "laughing": "artifact bias",
    "picture-driven": "picture confounds",
    "arousal-driven": "other rating",
    "time-driven": "time on task",
    "mislabelling": "ground truth",
    "changing": "state mismatch",
}


@dataclass(frozen=True)
class Line:
    """One participant's audit, as the store keeps it."""

    person: str
    seed: int
    kind: str
    headline: str
    n_trials: int
    balanced_accuracy: float
    p_value: float
    verdicts: dict[str, str]
    ceiling: float


def interval(k: int, n: int) -> tuple[float, float]:
    """Clopper-Pearson, 95 %."""
    low = float(beta.ppf(0.025, k, n - k + 1)) if k else 0.0
    high = float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0
    return low, high


def words(k: int, n: int) -> str:
    """``11/12 = .92 [.62, 1.00]``."""
    if not n:
        return "-"
    low, high = interval(k, n)
    return f"{k}/{n} = {k / n:.2f} [{low:.2f}, {high:.2f}]"


def audit_one(job: tuple[Person, int]) -> Line:
    """Take one participant through the whole path."""
    person, seed = job
    with tempfile.TemporaryDirectory() as folder:
        found = audit_person(Path(folder), person, seed)
    return Line(
        person,
        seed,
        found.kind,
        found.headline,
        found.n_trials,
        found.balanced_accuracy,
        found.p_value,
        {f.threat: f.verdict for f in found.findings},
        found.finding("ground truth").evidence.get("ceiling", float("nan")),
    )


def run_people(people: Sequence[Person], n_seeds: int, store: Path, n_processes: int) -> list[Line]:
    """Audit who is not in the store yet, and return everybody asked for."""
    lines = [Line(**json.loads(text)) for text in store.read_text().splitlines()] if store.exists() else []
    done = {(line.person, line.seed) for line in lines}
    # Seed by seed, so that a broken-off run has as many of everybody.
    jobs = [(p, s) for s in range(1, n_seeds + 1) for p in people if (p, s) not in done]
    with get_context("spawn").Pool(n_processes) as pool, store.open("a") as file:
        for line in pool.imap_unordered(audit_one, jobs):
            lines.append(line)
            file.write(json.dumps(line.__dict__) + "\n")
            file.flush()
            sys.stderr.write(f"{line.person} {line.seed}: {line.headline}\n")
    return [line for line in lines if line.person in people and line.seed <= n_seeds]


def table(lines: Sequence[Line]) -> Iterator[str]:
    """The table of people x checks."""
    people = [p for p in PEOPLE if any(line.person == p for line in lines)]
    yield "Whole path, in simulation. Share of participants with each verdict:"
    yield f"{'':18s}{'n':>4s} {'bal.acc.':>9s} {'trials':>7s} " + " ".join(
        f"{k:>17s}" for k in ("above chance", "explained", "not above chance", "not enough data")
    )
    for person in people:
        own = [line for line in lines if line.person == person]
        n = len(own)
        score, trials = sum(x.balanced_accuracy for x in own) / n, sum(x.n_trials for x in own) / n
        kinds = [sum(x.kind == k for x in own) for k in ("above chance", "explained", "not above chance")]
        rest = n - sum(kinds)
        yield f"{person:18s}{n:4d} {score:9.2f} {trials:7.0f} " + " ".join(f"{k:>17d}" for k in (*kinds, rest))
    yield ""
    yield "Share of participants that a check warns about (caution or fail), of those it could judge:"
    yield f"{'':30s}" + " ".join(f"{p[:12]:>12s}" for p in people)
    for threat in THREATS:
        cells = []
        for person in people:
            judged = [x.verdicts[threat] for x in lines if x.person == person]
            judged = [v for v in judged if v != "not enough data"]
            warned = sum(v in ("caution", "fail") for v in judged)
            cells.append(f"{warned}/{len(judged)}" if judged else "-")
        yield f"{threat:30s}" + " ".join(f"{c:>12s}" for c in cells)
    yield ""
    yield "Detection (Clopper-Pearson 95 %):"
    for person, threat in EXPECTED.items():
        own = [x for x in lines if x.person == person]
        found = sum(x.verdicts[threat] in ("caution", "fail") for x in own)
        yield f"  {person:18s} by the check on {threat:20s} {words(found, len(own))}"
    for person in people:
        own = [x for x in lines if x.person == person]
        positive = sum(x.kind == "above chance" for x in own)
        yield f"  {person:18s} called above chance and unexplained   {words(positive, len(own))}"
    for person in ("responsive", "mislabelling"):
        ceilings = [x.ceiling for x in lines if x.person == person and x.ceiling == x.ceiling]
        if ceilings:
            yield f"  ceiling of the ratings, {person:14s} mean {sum(ceilings) / len(ceilings):.2f}"
    yield "False alarms on responsive participants:"
    controls = [x for x in lines if x.person in ("responsive", "responsive-twice")]
    for threat in THREATS:
        judged = [x.verdicts[threat] for x in controls if x.verdicts[threat] != "not enough data"]
        yield f"  {threat:30s} {words(sum(v in ('caution', 'fail') for v in judged), len(judged))}"


def feature_table(n_sets: int) -> Iterator[str]:
    """Null and laughing participants at feature level."""
    yield ""
    yield "On features, in simulation: called above chance and unexplained (Clopper-Pearson 95 %)"
    wrong = sum(is_unexplained(null_set(seed)) for seed in range(1, 61))
    yield f"  {'null, 59 trials':44s} {words(wrong, 60)}"
    for n_trials in (60, 100):
        for reliability in RELIABILITIES:
            per = max(1, n_sets // len(RELIABILITIES))
            found = [laughing_set(seed, reliability, n_trials) for seed in range(1, per + 1)]
            significant = [x for x in found if x.validation.p_value < 0.05]
            unexplained = sum(is_unexplained(x) for x in found)
            who = f"laughing, reliability {reliability:.1f}, {n_trials} trials"
            yield f"  {who:44s} {words(unexplained, per)}; of those above chance {words(unexplained, len(significant))}"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--people", default=",".join(PEOPLE))
    parser.add_argument("--sets", type=int, default=300)
    parser.add_argument("--store", type=Path, default=Path(tempfile.gettempdir()) / "veridical_bench_audit.jsonl")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--no-people", action="store_true")
    options = parser.parse_args()
    people = [p for p in PEOPLE if p in options.people.split(",")]
    assert set(people) <= {*get_args(Person), *PEOPLE}
    if not options.no_people:
        for text in table(run_people(people, options.seeds, options.store, options.processes)):
            sys.stdout.write(text + "\n")
    for text in feature_table(options.sets) if options.sets else ():
        sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()

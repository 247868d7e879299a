"""The report of a study: one self-contained HTML file that joins its participants, and its numbers as JSON."""

from dataclasses import dataclass
from pathlib import Path

import jinja2
import msgspec

from veridical.audit.population import Prevalence
from veridical.audit.wording import count, p_words, percent
from veridical.paths import resources
from veridical.reports.page import OVERALL_STATUS, Fact, Status, day_words, simulation_first
from veridical.reports.report import bind_units
from veridical.reports.study_content import PersonScore, StudyDocument
from veridical.reports.study_figures import forest_figure, pooled_figure, prevalence_figure
from veridical.storage.atomic import write_atomically

REFERENCES = (
    "Ince, R. A. A., Paton, A. T., Kay, J. W., & Schyns, P. G. (2021). Bayesian inference of population prevalence. "
    "eLife, 10, e62461.",
    "Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics, 6, "
    "65-70.",
)


@dataclass(frozen=True)
class PersonRow:
    """One line of the table, ready to show."""

    participant: str
    status: Status
    headline: str
    score: str
    interval: str
    p: str
    p_holm: str
    own: str
    pooled: str
    trials: str
    kind: str
    report: str
    command: str


def render_study_html(document: StudyDocument, json_name: str) -> str:
    """Return the whole page; it loads nothing from elsewhere and runs no script."""
    folder = resources() / "report"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=bind_units,
    )
    css = (folder / "report.css").read_text(encoding="utf-8")
    rows = (("p below .05", document.above_chance), ("and nothing measured explains it", document.unexplained))
    return environment.get_template("study.html.j2").render(
        d=document,
        css=css,
        json_name=json_name,
        headline=headline(document),
        day=day_words(document.created),
        forest=forest_figure(document.people),
        prevalence=prevalence_figure(rows),
        prevalence_facts=[Fact(words, _prevalence(p)) for words, p in rows],
        multiplicity=_multiplicity(document),
        pooled=pooled_figure(document.people),
        pooled_facts=_pooled(document),
        rows=[_row(p) for p in document.people],
        references=REFERENCES,
        methods=methods(document),
    )


def headline(document: StudyDocument) -> str:
    """The study in one sentence."""
    best, n = document.unexplained.n_positive, len(document.people)
    words = (
        f"In {best} of {count(n, 'participant')} the model is above chance and nothing measured explains it; "
        f"{document.above_chance.expected_by_chance:.1f} would be above chance by luck"
    )
    return simulation_first(words, document.is_simulated)


def methods(document: StudyDocument) -> str:
    """The paragraph for a paper."""
    p = document.above_chance
    return (
        f"Every participant's model was validated and audited on its own (see the participants' reports). Of "
        f"{count(p.n_people, 'participant')}, {p.n_positive} were above chance at .05; the population prevalence was "
        f"inferred with a uniform prior and a false-positive rate of .05 per test (Ince et al., 2021): "
        f"{percent(p.estimate)} [95 % HPDI {percent(p.low)}, {percent(p.high)}]. P values were also adjusted over "
        "participants (Holm, 1979). The pooled model was trained on all other participants, with features standardised "
        "within each person, and tested on the participant's own test blocks."
    )


def _prevalence(p: Prevalence) -> str:
    return (
        f"{percent(p.estimate)} of people like these (95 % interval {percent(p.low)} to {percent(p.high)}); "
        f"{p.n_positive} of {p.n_people} here"
    )


def _multiplicity(document: StudyDocument) -> list[Fact]:
    p, n = document.above_chance, len(document.people)
    words = f"{p.expected_by_chance:.1f} of {count(n, 'participant')} if nobody showed anything"
    return [
        Fact("Expected by luck", words),
        Fact("Chance of as many or more", p_words(p.p_value)),
        Fact("Left after Holm's correction", f"{document.n_after_holm} of {n}"),
        Fact(
            "Smallest p there can be",
            f"{p_words(document.smallest_p)} (one over the number of presented trials), "
            f"{p_words(min(1.0, n * document.smallest_p))} after correction: in a large study no participant alone can "
            "pass it, and prevalence is the better question",
        ),
    ]


def _pooled(document: StudyDocument) -> list[Fact]:
    if not document.n_compared:
        return []
    return [
        Fact("Own model better", f"in {document.n_own_better} of {count(document.n_compared, 'participant')}"),
        Fact("Mean AUC", f"own {document.mean_auc_own:.2f}, of all others {document.mean_auc_pooled:.2f}"),
    ]


def _row(p: PersonScore) -> PersonRow:
    return PersonRow(
        participant=p.participant,
        status=OVERALL_STATUS[p.kind],
        headline=p.headline,
        score=percent(p.balanced_accuracy),
        interval=f"{percent(p.interval95[0])} to {percent(p.interval95[1])}",
        p=p_words(p.p_value).removeprefix("p ").removeprefix("= "),
        p_holm=p_words(p.p_holm).removeprefix("p ").removeprefix("= "),
        own=f"{p.auc:.2f}",
        pooled="" if p.auc_pooled is None else f"{p.auc_pooled:.2f}",
        trials=str(p.n_trials),
        kind="primary" if p.is_primary else f"exploratory, of {count(p.n_analyses, 'analysis', 'analyses')}",
        report=p.report,
        command=p.command,
    )


def write_study_report(path: Path, document: StudyDocument) -> None:
    """Write ``path`` (HTML) and its JSON twin, each whole or not at all; StorageError if the folder refuses."""
    twin = path.with_suffix(".json")
    html = render_study_html(document, twin.name)
    write_atomically(twin, msgspec.json.format(msgspec.json.encode(document), indent=2))
    write_atomically(path, html.encode())

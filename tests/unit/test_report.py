"""The report holds everything, loads nothing, flatters nothing, and its JSON says the same."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import msgspec
import numpy as np
import pytest

from veridical.audit.wording import p_words
from veridical.domain.chart import Chart, SeriesKind, score_chart, series
from veridical.domain.errors import StorageError
from veridical.domain.evaluation import Finding, OverallVerdict, Validation, Verdict
from veridical.domain.participant import RunKey
from veridical.domain.pattern import ModelPattern, NamedPattern, ScalpPattern
from veridical.domain.protocol import Protocol
from veridical.domain.rating import Rating
from veridical.domain.simulation import SimulationPlan
from veridical.domain.study import AnalysisChoices, StudySettings
from veridical.domain.trial_table import TrialRow
from veridical.reports.charts import chart_svg
from veridical.reports.content import AnnotationSummary, RecordingFacts, ReportContent, StreamFacts
from veridical.reports.page import MEANING, OVERALL_STATUS
from veridical.reports.report import render_html, render_json, write_report

SECTIONS = (
    "verdict", "audit", "validation", "ratings", "features", "protocol", "recordings", "annotations", "methods",
    "words",
)  # fmt: skip
N_TRIALS = 40


def rating(scale: str, value: float | None) -> Rating:
    return Rating(scale, value, 1, 7, 0.4, 1.2, 1, "keyboard", "timed_out" if value is None else "answered", 0)


def trials() -> tuple[TrialRow, ...]:
    rows = []
    for i in range(N_TRIALS):
        valence = None if i == 5 else float(1 + i % 7)
        ratings = {"valence": rating("valence", valence), "arousal": rating("arousal", float(7 - i % 5))}
        rows.append(TrialRow(i + 1, 1 + i // 20, f"demo{i:02d}", "positive", 2.0 * i, 0.5, None, ratings))
    return tuple(rows)


def validation(p_value: float = 0.012) -> Validation:
    rng = np.random.default_rng(0)
    return Validation(
        n_trials=32,
        classes={"low": 15, "high": 17},
        balanced_accuracy=0.684,
        interval95=(0.531, 0.806),
        chance95=0.612,
        p_value=p_value,
        p_free=p_value / 2,
        p_circular=p_value,
        auc=0.713,
        train_balanced_accuracy=0.977,
        folds=5,
        embargo_trials=2,
        brier=0.23,
        fold_scores=np.array([0.7, 0.8, np.nan, 0.6, 0.75]),
        null=np.clip(rng.normal(0.5, 0.08, 1039), 0, 1),
        predictions=rng.normal(size=N_TRIALS),
        labels=rng.integers(-1, 2, N_TRIALS),
    )


def content(kind: OverallVerdict = "above chance", p_value: float = 0.012) -> ReportContent:
    headline = "Above chance, and none of the three confound families measured explains it"
    streams = (StreamFacts("EEG", "SimEEG", 32, 500.0, 499.98, 15000), StreamFacts("markers", "m", 1, 0.0, 0.0, 99))
    recording = RecordingFacts(
        RunKey("001"), "sub-001_ses-01_task-affect_run-01.xdf", "ab" * 32, 80.0, streams, True, ended="completed"
    )
    findings = (
        Finding("chance", "pass", {"p_value": p_value}, f"Shuffled ratings rarely do as well ({p_words(p_value)})."),
        Finding(
            "overfitting", "caution", {"train_balanced_accuracy": 0.977, "gap": 0.29}, "Right in 98 % and in 68 %."
        ),
        Finding(
            "artifact bias",
            "fail",
            {"auc_alone": 0.62, "p_alone": 0.03, "auc_after": 0.55, "correlation": float("nan")},
            "It may be reading muscle <activity> & eyes.",
            "Mark laughter on the Annotate page.",
        ),
        Finding("ground truth", "not enough data", {}, "Too few repeats."),
    )
    return ReportContent(
        participant="001",
        study="my-study",
        settings=StudySettings(are_stimuli_validated=True),
        target="valence",
        label_rule="midpoint",
        pipeline="evoked",
        trials=trials(),
        kept=tuple(i != 9 for i in range(N_TRIALS)),
        reasons=tuple("marked: Muscle" if i == 9 else "" for i in range(N_TRIALS)),
        validation=validation(p_value),
        verdict=Verdict(kind, headline),
        findings=findings,
        recordings=(recording,),
        annotations=AnnotationSummary(("rater1",), {"muscle": 2}, 0.013, 0.0, 9, 7),
        features=(*(f"{c} {t:.3f} s" for c in ("Pz", "Cz") for t in (0.0, 0.25, 0.5)), "LPP"),
        left_out=("slow wave: its window 1 to 5 s does not fit a picture of 0.5 s",),
        created="2026-01-02T03:04:05+00:00",
        versions={"veridical": "0.1.0"},
    )


class Page(HTMLParser):
    """Collects what a browser would load, the sections, and the text of each."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text: dict[str, str] = {"": ""}
        self._section = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {k: v or "" for k, v in attrs}
        self.tags.append((tag, found))
        if tag == "section":
            self._section = found["id"]
            self.text[self._section] = ""
        if tag in ("style", "title"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "section":
            self._section = ""
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._open:
            self.text[self._section] += f" {data.strip()}".replace("\u00a0", " ") if data.strip() else ""


def page(what: ReportContent) -> Page:
    return Page(render_html(what))


@pytest.fixture(scope="module")
def html() -> str:
    """The plain case, rendered once."""
    return render_html(content())


@pytest.fixture(scope="module")
def parsed(html: str) -> Page:
    """The same, parsed."""
    return Page(html)


def test_nothing_is_loaded_from_elsewhere_and_no_script_runs(html: str, parsed: Page) -> None:
    assert not re.search(r"https?://|//[a-z]|@import|url\((?!#)", html)
    assert not {tag for tag, _ in parsed.tags} & {"script", "link", "img", "iframe", "object", "embed"}
    for _, attrs in parsed.tags:
        for name in ("src", "href"):
            assert attrs.get(name, "#").startswith("#")
        assert not [name for name in attrs if name.startswith("on")]


def test_every_section_is_there_with_words_in_it(parsed: Page) -> None:
    text = parsed.text
    for section in SECTIONS:
        assert len(text[section].split()) > 8, section


def test_every_figure_has_an_alternative_text_and_ids_are_unique(parsed: Page) -> None:
    figures = [attrs for tag, attrs in parsed.tags if tag == "svg" and attrs.get("aria-hidden") != "true"]
    assert len(figures) == 6
    for attrs in figures:
        assert attrs["role"] == "img"
        assert len(attrs["aria-label"].split()) > 5
    ids = [attrs["id"] for _, attrs in parsed.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    hrefs = {attrs["href"][1:] for _, attrs in parsed.tags if "href" in attrs}
    assert hrefs <= set(ids)


def test_what_the_model_reads_is_drawn_where_there_is_something() -> None:
    cap = ("Fp1", "Fp2", "F3", "Fz", "F4", "C3", "Cz", "C4", "P3", "Pz", "P4", "Oz")
    values = 1e-6 * np.array([float(label.startswith("P")) - 0.2 for label in cap])
    maps = tuple(ScalpPattern(start, start + 0.2, cap, values * start) for start in (0.4, 0.6))
    pattern = ModelPattern(maps, (NamedPattern("lpp", 0.4), NamedPattern("scr", -0.2)))
    shown = render_html(replace(content(), pattern=pattern))
    (figure,) = re.findall(r'<svg role="img" aria-label="Scalp maps.*?</svg>', shown, re.DOTALL)
    assert "0.60 to 0.80 s largest 0.5 µV at Pz" in figure or "0.60 to 0.80 s largest 0.5 µV at P3" in figure
    assert not re.findall(r"#[0-9a-f]{6}", figure)
    text = Page(shown).text["validation"]
    assert "What the model reads" in text
    assert "late positive potential correlation with the decision 0.4" in text
    assert "skin conductance response correlation with the decision −0.2" in text
    assert "What the model reads" not in Page(render_html(content())).text["validation"]


def test_figures_take_their_colours_from_the_page(html: str) -> None:
    for figure in re.findall(r'<svg role="img".*?</svg>', html, re.DOTALL):
        assert "var(--" in figure
        assert not re.findall(r"#[0-9a-f]{6}", figure)


def test_headline_is_the_verdict_then_the_validated_score_with_interval_and_chance(parsed: Page) -> None:
    text = parsed.text["verdict"]
    order = ["Above chance, and none", "68 %", "53 % to 81 %", "61 %", "p = .012", "32 labelled (15 low, 17 high)"]
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    assert "free p = .006, circular p = .012" in text


def test_training_accuracy_appears_only_in_the_overfitting_check(html: str) -> None:
    what = content()
    without = replace(what, findings=tuple(f for f in what.findings if f.threat != "overfitting"))
    text = " ".join(page(without).text.values())
    for words in ("0.977", "98 %", "train balanced accuracy"):
        assert words not in text
    assert "0.977" in html


def test_the_verdict_card_wears_its_kind(html: str) -> None:
    assert '<section id="verdict" class="verdict good"' in html
    assert '<section id="verdict" class="verdict unknown"' in render_html(content("not enough data"))
    assert set(OVERALL_STATUS) == set(MEANING) == set(get_args(OverallVerdict))
    assert OVERALL_STATUS["explained"] == "caution"
    assert OVERALL_STATUS["not above chance"] == OVERALL_STATUS["damaged"] == "fail"


def test_findings_carry_icon_and_word_and_are_escaped(html: str) -> None:
    for word in ("Pass", "Caution", "Fail", "Not enough data"):
        assert re.search(rf'<span class="light">\s*<svg class="icon small".*?</svg>\s*{word}</span>', html, re.DOTALL)
    assert "muscle &lt;activity&gt; &amp; eyes" in html
    assert "Correlation with the other rating</dt><dd>unknown" in html


def test_a_finding_shows_its_figure_with_words_for_who_cannot_see_it() -> None:
    what = content()
    chart = score_chart([("the model", 0.68, (0.53, 0.81), True), ("muscle alone", 0.62, None, False)], "AUC")
    findings = (replace(what.findings[2], chart=chart), *what.findings[3:])
    html = render_html(replace(what, findings=findings))
    assert "AUC, where 0.5 is guessing: the model 0.68 (95 % interval 0.53 to 0.81); muscle alone 0.62." in html
    assert 'id="check-artifact-bias-' in html


@pytest.mark.parametrize("kind", ["bars", "points", "line"])
def test_a_chart_of_curves_is_drawn_with_its_axes_named(kind: SeriesKind) -> None:
    chart = Chart("Trial", "Rating", (series("answers", [1, 2, 3], [4.0, np.nan, 2.0], kind),), "Two answers.")
    svg = chart_svg(chart, "x")
    assert "Trial" in svg
    assert "Rating" in svg
    assert chart.series[0].x == (1.0, 3.0)


def test_a_demonstration_says_what_was_shortened_simulated_and_not_shown() -> None:
    what = content()
    settings = StudySettings(
        is_shortened=True,
        protocol=Protocol(picture_s=0.5),
        analysis=AnalysisChoices(embargo_s=1.6),
    )
    recording = replace(what.recordings[0], simulation=SimulationPlan(), screen="headless (no display)")
    text = page(replace(what, settings=settings, recordings=(recording,))).text
    assert "Shortened for demonstration" in text[""]
    assert "Analysis windows follow the picture's duration (0.5 s)" in text[""]
    assert "In simulation" in text[""]
    assert "Headless screen" in text[""]
    assert "Stimuli not validated" in text[""]
    assert "In simulation: above chance, and none" in text["verdict"]
    assert "2 trials and 1.6 s on either side" in text["validation"]
    assert "a full session keeps 20 s" in text["validation"]
    assert "profile responsive, seed 0" in text["recordings"]


def test_a_real_full_session_carries_none_of_these_notes(parsed: Page) -> None:
    text = " ".join(parsed.text.values())
    for words in ("In simulation", "Shortened for demonstration", "Headless screen", "Stimuli not validated"):
        assert words not in text


def test_the_page_names_what_was_learned_from_not_all_that_was_recorded() -> None:
    what = content()
    streams = (*what.recordings[0].streams, StreamFacts("EDA", "SimEDA", 1, 128.0, 128.0, 3000))
    what = replace(what, recordings=(replace(what.recordings[0], streams=streams),))
    assert "valence from EEG ·" in page(what).text[""]
    assert "valence from EDA, ECG ·" in page(replace(what, features=("scr", "heart_deceleration"))).text[""]


def test_exploratory_analyses_are_headed_so() -> None:
    text = page(replace(content(), is_primary=False, analysis=3, n_analyses=4)).text[""]
    assert "Exploratory" in text
    assert "Analysis 3 of 4" in text


def test_the_commands_recompute_this_very_analysis() -> None:
    html = render_html(replace(content(), label_rule="median"))
    assert "veridical train my-study --participant 001 --target valence --label-rule median --json" in html
    assert "veridical inspect my-study/sourcedata/sub-001/ses-01/sub-001_ses-01_task-affect_run-01.xdf" in html


def test_labels_features_and_marks_are_counted(parsed: Page) -> None:
    text = parsed.text
    assert "40 trials, 39 rated" in text["ratings"]
    assert "1 trial (1 marked: Muscle)" in text["ratings"]
    assert "evoked samples of 2 channels (Pz, Cz): 3 each, 0.00 to 0.50 s after onset" in text["features"]
    assert "LPP" in text["features"]
    assert "slow wave: its window" in text["features"]
    assert "0 % reviewed by a rater" in text["annotations"]
    assert "2 (2 muscle)" in text["annotations"]


def test_the_time_is_written_out_and_units_stay_with_their_numbers(html: str, parsed: Page) -> None:
    assert "2 January 2026, 03:04 UTC" in parsed.text[""]
    assert "68\u00a0%" in html


def test_an_unverified_recording_is_said_to_be() -> None:
    what = content()
    text = page(replace(what, recordings=(replace(what.recordings[0], is_verified=False),))).text["recordings"]
    assert "not verified" in text


def test_json_equals_the_validation() -> None:
    what = content()
    v = what.validation
    document = msgspec.json.decode(render_json(what))
    scalars = (
        "n_trials", "balanced_accuracy", "chance95", "p_value", "p_free", "p_circular", "auc",
        "train_balanced_accuracy", "folds", "embargo_trials", "brier",
    )  # fmt: skip
    for name in scalars:
        assert document[name] == pytest.approx(getattr(v, name)), name
    assert document["interval95"] == list(v.interval95)
    assert document["classes"] == dict(v.classes)
    assert np.allclose(document["null"], v.null)
    assert document["fold_scores"][2] is None
    assert document["verdict"] == "above chance"
    assert document["headline"] == what.verdict.headline
    assert [c["threat"] for c in document["checks"]] == [f.threat for f in what.findings]
    assert document["checks"][2]["evidence"]["correlation"] is None
    assert [t["is_kept"] for t in document["trials"]] == list(what.kept)
    assert document["trials"][5]["ratings"]["valence"] is None


def test_the_same_content_gives_the_same_bytes(html: str) -> None:
    assert render_html(content()) == html
    assert render_json(content()) == render_json(content())


def test_a_participant_without_answers_or_shuffles_still_gets_a_report() -> None:
    what = content("not enough data", 1.0)
    empty = tuple(replace(t, ratings={}) for t in what.trials)
    v = replace(what.validation, null=np.array([]), fold_scores=np.full(5, np.nan))
    text = page(replace(what, trials=empty, validation=v, findings=(), recordings=())).text
    assert "No facts about the recording" in text["recordings"]


def test_both_files_are_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "valence-001.html"
    write_report(path, content())
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert msgspec.json.decode(path.with_suffix(".json").read_bytes())["participant"] == "001"
    assert sorted(p.name for p in path.parent.iterdir()) == ["valence-001.html", "valence-001.json"]


def test_a_report_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "valence-001.json").mkdir()
    with pytest.raises(StorageError, match="cannot be written"):
        write_report(tmp_path / "valence-001.html", content())


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (0.0004, "p < .001"),
        (0.001, "p = .001"),
        (0.0496, "p = .0496"),
        (0.05, "p = .050"),
        (0.31, "p = .31"),
        (1.0, "p = 1"),
    ],
)
def test_p_values_are_written_as_papers_do(p: float, words: str) -> None:
    assert p_words(p) == words

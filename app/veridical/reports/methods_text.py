"""The methods section that can be pasted into a paper, made from what was really done."""

from veridical.audit.wording import count
from veridical.domain.label_rule import SENTENCES
from veridical.domain.pipeline import PipelineName
from veridical.reports.content import ReportContent

# Order as in the text.
REFERENCES: tuple[str, ...] = (
    "Peirce, J., et al. (2019). PsychoPy2: Experiments in behavior made easy. Behavior Research Methods, 51, 195-203.",
    "Kothe, C., et al. (2025). The lab streaming layer for synchronized multimodal recording. Imaging Neuroscience, 3.",
    "Blankertz, B., Lemm, S., Treder, M., Haufe, S., & Müller, K.-R. (2011). Single-trial analysis and classification "
    "of ERP components: a tutorial. NeuroImage, 56, 814-825.",
    "Lemm, S., Blankertz, B., Dickhaus, T., & Müller, K.-R. (2011). Introduction to machine learning for brain "
    "imaging. NeuroImage, 56, 387-399.",
    "Brodersen, K. H., Ong, C. S., Stephan, K. E., & Buhmann, J. M. (2010). The balanced accuracy and its posterior "
    "distribution. 20th International Conference on Pattern Recognition, 3121-3124.",
    "Varoquaux, G. (2018). Cross-validation failure: small sample sizes lead to large error bars. NeuroImage, 180, "
    "68-77.",
    "Ojala, M., & Garriga, G. C. (2010). Permutation tests for studying classifier performance. Journal of Machine "
    "Learning Research, 11, 1833-1863.",
    "Phipson, B., & Smyth, G. K. (2010). Permutation p-values should never be zero. Statistical Applications in "
    "Genetics and Molecular Biology, 9, 39.",
    "Harris, K. D. (2020). Nonsense correlations in neuroscience. bioRxiv 2020.11.29.402719.",
    "Snoek, L., Miletić, S., & Scholte, H. S. (2019). How to control for confounds in decoding analyses of "
    "neuroimaging data. NeuroImage, 184, 741-760.",
)

_PIPELINES: dict[PipelineName, str] = {
    "evoked": "a ridge classifier on evoked samples of every channel from picture onset on (Blankertz et al., 2011)",
    "interpretable": "a ridge classifier on named features with fixed windows (listed in the report)",
    "eeg": "a ridge classifier on named features of the EEG (listed in the report)",
    "eda": "a ridge classifier on skin conductance (listed in the report)",
    "ecg": "a ridge classifier on heart-rate features (listed in the report)",
    "fusion": "a late fusion: one ridge classifier each for EEG (evoked samples; Blankertz et al., 2011), skin "
    "conductance and heart rate, whose log odds, calibrated by a sigmoid inside the training folds, add up",
    "chosen": "a ridge classifier on whichever of evoked samples (Blankertz et al., 2011), one modality's named "
    "features and all named features had the least squared error on inner folds of the training trials",
}


def methods_text(content: ReportContent) -> str:
    """Write the paragraphs; a blank line parts them."""
    return "\n\n".join((_recording(content), _labels(content), _validation(content), _confounds(content)))


def _recording(content: ReportContent) -> str:
    protocol = content.settings.protocol
    streams = {
        f"{s.role} ({count(s.n_channels, 'channel')}, {s.nominal_hz:g} Hz)"
        for r in content.recordings
        for s in r.streams
        if s.nominal_hz > 0
    }
    simulated = " In simulation: amplifier and participant were simulated." if content.is_simulated else ""
    short = " Durations were shortened for a demonstration." if content.settings.is_shortened else ""
    screens = " Pictures were not shown on a real screen (headless)." if content.is_headless else ""
    measured = sorted({r.timing for r in content.recordings if r.timing.startswith("onsets measured")})
    onsets = f" Picture {'; '.join(measured)}." if measured else " Picture onsets rest on software timing only."
    return (
        f"Pictures were presented for {protocol.picture_s:g} s with PsychoPy (Peirce et al., 2019) in "
        f"{count(protocol.n_blocks, 'block')}, {count(len(content.trials), 'trial')} in all, and rated on "
        f"{' and '.join(s.id for s in protocol.scales)} after each. "
        f"{', '.join(sorted(streams)) or 'Physiological signals'} and event markers were recorded on one clock with "
        f"the lab streaming layer (Kothe et al., 2025).{onsets}{simulated}{short}{screens}"
    )


def _labels(content: ReportContent) -> str:
    v = content.validation
    rule = SENTENCES[content.label_rule]
    classes = " and ".join(f"{n} {name}" for name, n in v.classes.items())
    return (
        f"The target was the participant's own {content.target} rating. {rule} ({v.n_trials} labelled trials: "
        f"{classes}). The model was {_PIPELINES[content.pipeline]}."
        + "".join(f" {words}." for words in content.preparation)
    )


def _validation(content: ReportContent) -> str:
    v, analysis = content.validation, content.settings.analysis
    return (
        f"Validation used {v.folds} contiguous blocks of trials in presentation order as test sets. Training trials "
        f"within {count(v.embargo_trials, 'trial')} or {analysis.embargo_s:.3g} s of a test block, and repeats of a "
        "test picture, were left out. Scaling, the penalty (chosen in inner blocked folds) and calibration were fitted "
        "on training trials only (Lemm et al., 2011). The 95 % interval of balanced accuracy is the posterior of the "
        "class recalls (Brodersen et al., 2010), its half-widths multiplied by 1.45 for the dependence between folds "
        f"(cf. Varoquaux, 2018). Significance was tested on the fold-wise AUC with {content.n_permutations} "
        "permutations of the ratings (Ojala & Garriga, 2010) and with all circular shifts of them (cf. Harris, 2020), "
        "both on the grid of presented trials, before the label rule; p = (b + 1)/(m + 1) (Phipson & Smyth, 2010), and "
        "the larger of both is reported. Linear and quadratic trial index were regressed out inside the folds."
    )


def _confounds(content: ReportContent) -> str:
    families = [f for f in content.findings if "p_alone" in f.evidence]
    names = ", ".join(f.threat for f in families) or "none"
    versions = ", ".join(f"{name} {number}" for name, number in content.versions.items())
    return (
        f"Confound families measured ({names}) were each tried alone on the same folds and, where the verdict depends "
        "on it, regressed out of the features inside the folds (Snoek et al., 2019). The verdict follows the rule "
        "published with the software (docs/method.md)." + (f" Software: {versions}." if versions else "")
    )

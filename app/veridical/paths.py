"""Every path of the program: shipped resources, user folders, and a study's files."""

from dataclasses import dataclass
from pathlib import Path

import platformdirs

from veridical.domain.participant import RunKey, check_label

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent.parent
# What a study's raw recordings may end in; the first is our own.
RECORDING_ENDINGS = (".xdf", ".xdfz", ".edf", ".bdf", ".vhdr", ".fif", ".fif.gz")


def _shipped(in_wheel: str, in_checkout: str) -> Path:
    installed = _PACKAGE / in_wheel
    return installed if installed.is_dir() else _CHECKOUT / in_checkout


def demo_stimuli() -> Path:
    """Folder of the shipped demo pictures and their stimuli.tsv."""
    return _shipped("_stimuli", "stimuli")


def resources() -> Path:
    """Folder of shipped icons, fonts, texts and report templates."""
    return _shipped("_resources", "resources")


def user_state() -> Path:
    """Folder for live-run notices and window geometry, made if missing."""
    return platformdirs.user_state_path("veridical", appauthor=False, ensure_exists=True)


def user_cache() -> Path:
    """Folder for caches that may be deleted at any time, made if missing."""
    return platformdirs.user_cache_path("veridical", appauthor=False, ensure_exists=True)


@dataclass(frozen=True)
class RunPaths:
    """Files of one run's working folder."""

    folder: Path

    @property
    def plan(self) -> Path:
        """run.json: all that the children read."""
        return self.folder / "run.json"

    def connection(self, child: str) -> Path:
        """Connection file of a child (``presenter``, ``recorder``, ``simulator``)."""
        return self.folder / f"{child}.json"

    def outcome(self, child: str) -> Path:
        """What a child says of its part when it ends; merged into the session file."""
        return self.folder / f"{child}-outcome.json"

    def log(self, child: str) -> Path:
        """A child's standard error."""
        return self.folder / f"{child}.log"


@dataclass(frozen=True)
class StudyPaths:
    """Files of a study folder (FORMATS 1)."""

    root: Path

    @property
    def study_file(self) -> Path:
        """study.toml."""
        return self.root / "study.toml"

    @property
    def participants(self) -> Path:
        """participants.tsv."""
        return self.root / "participants.tsv"

    @property
    def study_log(self) -> Path:
        """Acts on the study's data that must be answered for: withdrawals, mended ids."""
        return self.root / "study_log.jsonl"

    @property
    def stimuli(self) -> Path:
        """Folder of the study's stimuli."""
        return self.root / "stimuli"

    @property
    def stimuli_table(self) -> Path:
        """stimuli/stimuli.tsv."""
        return self.stimuli / "stimuli.tsv"

    @property
    def display_timing(self) -> Path:
        """What the display tests measured."""
        return self.root / "display_timing.json"

    @property
    def display_tests(self) -> Path:
        """Folder of the display tests' recordings."""
        return self.root / ".veridical" / "display"

    @property
    def runs(self) -> Path:
        """Folder of the runs' working folders."""
        return self.root / ".veridical" / "runs"

    def run(self, key: RunKey) -> RunPaths:
        """Working folder of a run."""
        return RunPaths(self.runs / key.folder)

    def raw(self, key: RunKey) -> Path:
        """Folder of a session's raw files."""
        return self.root / "sourcedata" / f"sub-{key.participant}" / f"ses-{key.session}"

    def xdf(self, key: RunKey) -> Path:
        """The recording."""
        return self.raw(key) / f"{key.stem}.xdf"

    def imported(self, key: RunKey, ending: str) -> Path:
        """A recording made elsewhere, under the name that BIDS gives it; ``ending`` begins with a dot."""
        return self.raw(key) / f"{key.stem}{ending}"

    def recording(self, key: RunKey) -> Path:
        """The recording, whatever its format; the XDF if there is none."""
        places = (self.imported(key, ending) for ending in RECORDING_ENDINGS)
        return next((place for place in places if place.is_file()), self.xdf(key))

    def journal(self, key: RunKey) -> Path:
        """The presenter's journal."""
        return self.raw(key) / f"{key.stem}_events.jsonl"

    def session_file(self, key: RunKey) -> Path:
        """session.json of a run."""
        return self.raw(key) / f"{key.stem}_session.json"

    def derivatives(self, participant: str) -> Path:
        """Folder of everything computed for a participant."""
        return self.root / "derivatives" / "veridical" / f"sub-{check_label(participant, 'participant id')}"

    def _derived(self, key: RunKey, ending: str) -> Path:
        return self.derivatives(key.participant) / f"ses-{key.session}" / f"{key.stem}_{ending}"

    def annotation_journal(self, key: RunKey, rater: str) -> Path:
        """Every edit of a rater, append-only."""
        return self._derived(key, f"annotations-{check_label(rater, 'rater name')}.jsonl")

    def annotation_table(self, key: RunKey, rater: str) -> Path:
        """The rater's annotations as a table."""
        return self._derived(key, f"annotations-{check_label(rater, 'rater name')}.tsv")

    def annotation_again(self, key: RunKey, rater: str) -> Path:
        """What a rater marked in the stretches that were shown a second time, append-only."""
        return self._derived(key, f"again-{check_label(rater, 'rater name')}.jsonl")

    def review(self, key: RunKey, rater: str) -> Path:
        """What a rater has looked at, append-only."""
        return self._derived(key, f"review-{check_label(rater, 'rater name')}.jsonl")

    def suggestions(self, key: RunKey) -> Path:
        """Artifact suggestions of a run."""
        return self._derived(key, "suggestions.tsv")

    def recovered(self, key: RunKey) -> Path:
        """Mended copy of a recording that broke off; read instead of it."""
        return self._derived(key, "recovered.xdf")

    def pyramid(self, key: RunKey) -> Path:
        """What the Annotate page keeps to draw the recording; may be deleted, it is made again."""
        return self._derived(key, "pyramid.bin")

    def features(self, key: RunKey) -> Path:
        """Feature table of a run."""
        return self._derived(key, "features.tsv")

    def ledger(self, participant: str) -> Path:
        """Every analysis of a participant, append-only."""
        return self.derivatives(participant) / "ledger.jsonl"

    def model(self, participant: str, name: str) -> Path:
        """Folder of a model bundle."""
        return self.derivatives(participant) / "models" / name

    def learned_table(self, participant: str, pipeline: str) -> Path:
        """Features and ratings of the last training with a pipeline, for pooled models."""
        return self.derivatives(participant) / f"learned-{pipeline}.npz"

    def study_report(self, target: str) -> Path:
        """HTML report that joins the participants; its JSON stands beside it."""
        folder = self.root / "derivatives" / "veridical" / "reports"
        return folder / f"study-{target}.html"

    def report(self, participant: str, name: str) -> Path:
        """HTML report; its JSON stands beside it with the other suffix."""
        return self.derivatives(participant) / "reports" / f"{name}.html"

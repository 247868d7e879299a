"""Videos and sounds after the pictures: drawn, shown, heard, and kept apart from what the model learns."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import sounddevice
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from veridical.domain.errors import ProtocolError, StimulusError
from veridical.domain.event import Event, Marker
from veridical.domain.participant import RunKey
from veridical.domain.preview import estimate_s, preview
from veridical.domain.protocol import Protocol, expand
from veridical.domain.run import RunPlan, ScreenChoice
from veridical.domain.stimulus import Stimulus, StimulusKind, StimulusSet
from veridical.domain.trial_table import trials_from_events
from veridical.ipc.messages import Command, PresenterState, Start
from veridical.presenter.desk import Desk
from veridical.presenter.film import largest_frame
from veridical.presenter.headless_screen import HeadlessScreen
from veridical.presenter.loudspeaker import Loudspeaker
from veridical.presenter.marker_writer import MarkerWriter
from veridical.presenter.session_runner import SessionEnd, SessionRunner
from veridical.presenter.simulated_participant import SimulatedParticipant
from veridical.presenter.stage import Stage
from veridical.presenter.texts import load_texts
from veridical.services.gate import _loudspeaker_items, trials_in_words
from veridical.storage.clip_decoding import SOUND_HZ, decode_frames, decode_sound, look_at_clip

PROTOCOL = Protocol(
    n_per_condition=2, n_blocks=1, n_practice=0, repeat_share=0, baseline_open_s=0, baseline_closed_s=0, picture_s=1.0,
    n_clips=6, clip_s=0.6,
)  # fmt: skip
VALENCES = (2.0, 4.0, 6.0)


def a_set(n_pictures: int = 6, n_clips: int = 12) -> StimulusSet:
    kinds: tuple[StimulusKind, ...] = ("video", "audio")
    pictures = [Stimulus(f"p{k}", f"p{k}.png", valence_mean=VALENCES[k % 3]) for k in range(n_pictures)]
    clips = [
        Stimulus(f"c{k}", f"c{k}.mp4", kinds[k % 2], valence_mean=VALENCES[k % 3], duration_s=0.2 + 0.1 * k)
        for k in range(n_clips)
    ]
    return StimulusSet((*pictures, *clips))


@given(n=st.integers(1, 12), seed=st.integers(0, 2**16), max_run=st.integers(1, 3))
def test_clips_are_mixed_balanced_new_and_end_pleasantly(n: int, seed: int, max_run: int) -> None:
    protocol = replace(PROTOCOL, n_clips=n, max_run=max_run)
    clips = expand(protocol, a_set(), seed).blocks[-1]
    assert len(clips) == n
    assert {t.kind for t in clips} <= {"video", "audio"}
    assert len({t.stimulus_id for t in clips}) == n
    counts = Counter(t.condition for t in clips)
    assert max(counts.values()) - min(counts[c] for c in protocol.conditions) <= 1
    assert max(len(tuple(same)) for _, same in groupby(t.condition for t in clips)) <= max_run
    assert clips[-1].condition == "positive"
    assert [t.number for t in clips] == list(range(7, 7 + n))
    assert {t.block for t in clips} == {2}
    lengths = {s.id: s.duration_s for s in a_set().stimuli}
    assert all(t.picture_s == min(0.6, lengths[t.stimulus_id] or 0) for t in clips)


def test_pictures_are_drawn_as_without_a_transfer_block() -> None:
    plain = expand(replace(PROTOCOL, n_clips=0), a_set(), 3)
    assert expand(PROTOCOL, a_set(), 3).blocks[:-1] == plain.blocks


def test_too_few_clips_are_refused_with_the_class() -> None:
    with pytest.raises(ProtocolError, match=r"asks for 2 \w+ videos or sounds and the set has 1"):
        expand(PROTOCOL, a_set(n_clips=4), 1)


def test_the_preview_counts_clips_apart_and_its_length_holds_them() -> None:
    seen = preview(PROTOCOL, expand(PROTOCOL, a_set(), 1))
    assert (seen.n_trials, dict(seen.counts)) == (6, {"negative": 2, "neutral": 2, "positive": 2})
    assert [p.n_trials for p in seen.parts if p.kind == "transfer"] == [6]
    without = replace(PROTOCOL, n_clips=0)
    assert seen.duration_s > preview(without, expand(without, a_set(), 1)).duration_s
    assert estimate_s(PROTOCOL) > estimate_s(without)


# Decoding -----------------------------------------------------------------------------------------------------
def test_frames_come_in_time_and_colour_as_they_were_made(make_clip: Callable[..., Path], tmp_path: Path) -> None:
    file = make_clip(tmp_path / "a.mp4", 2.0)
    facts = look_at_clip(file, "it")
    assert (facts.width_px, facts.height_px, facts.has_sound) == (64, 48, True)
    assert facts.duration_s == pytest.approx(2.0, abs=0.05)
    frames = list(decode_frames(file, "it", 1.0, (64, 48)))
    assert [f.at_s for f in frames] == pytest.approx(np.arange(25) / 25)
    reds = [float(f.pixels[:, :, 0].mean()) for f in frames]
    assert reds == pytest.approx(250 * np.arange(25) / 50, abs=8)
    small = next(decode_frames(file, "it", 1.0, (32, 48)))
    assert small.pixels.shape == (24, 32, 3)


def test_sound_is_cut_to_length_and_kept_in_pitch(make_clip: Callable[..., Path], tmp_path: Path) -> None:
    file = make_clip(tmp_path / "a.wav", 1.0, has_picture=False)
    assert look_at_clip(file, "it").width_px is None
    samples = decode_sound(file, "it", 0.5)
    assert samples is not None
    assert samples.shape == (SOUND_HZ // 2, 2)
    assert np.argmax(np.abs(np.fft.rfft(samples[:, 0]))) == 220
    assert decode_sound(make_clip(tmp_path / "b.mp4", 0.4, has_sound=False), "it", 1.0) is None


@pytest.mark.parametrize("data", [b"", b"no clip at all", b"RIFF\0\0\0\0WAVEfmt "])
def test_what_is_no_clip_is_a_sentence(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(data)
    with pytest.raises(StimulusError, match=r"The video a cannot be decoded .*; replace the file"):
        look_at_clip(file, "The video a")


def test_frames_shrink_only_as_far_as_the_card_needs() -> None:
    assert largest_frame(640, 480, 750) == (640, 480)
    width, height = largest_frame(1920, 1080, 900)
    assert width * height * 900 * 3 <= 768_000_000
    assert width / height == pytest.approx(1920 / 1080, rel=0.01)


def test_a_sound_begins_at_its_sample_wherever_the_devices_buffers_fall() -> None:
    speaker = Loudspeaker(lambda: 0.0)
    speaker._samples = np.ones((1000, 2), dtype=np.float32)
    speaker.play_at(2.0)
    heard: list[np.typing.NDArray[np.float32]] = []
    n, at_s = 441, 1.99
    while len(heard) < 10:
        out = np.full((n, 2), np.nan, dtype=np.float32)
        speaker._fill(out, n, SimpleNamespace(outputBufferDacTime=at_s), None)
        heard.append(out)
        at_s += n / SOUND_HZ
    wave = np.concatenate(heard)[:, 0]
    first = round(0.01 * SOUND_HZ)
    assert np.array_equal(np.flatnonzero(wave), np.arange(first, first + 1000))
    assert speaker.started_s == pytest.approx(2.0, abs=1 / SOUND_HZ)


def test_the_gate_names_what_clips_are_heard_from_or_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = expand(PROTOCOL, a_set(), 1)
    screen = ScreenChoice(kind="psychopy")
    monkeypatch.setattr(sounddevice, "query_devices", lambda kind: {"name": "Headphones"})
    (item,) = _loudspeaker_items(screen, plan)
    assert (item.light, item.words, item.stops) == ("good", "Headphones", False)

    def nothing(kind: str) -> None:
        raise sounddevice.PortAudioError("Error querying device -1")

    monkeypatch.setattr(sounddevice, "query_devices", nothing)
    (item,) = _loudspeaker_items(screen, plan)
    assert (item.light, item.stops, item.may_be_overridden) == ("fail", True, True)
    assert "connect one" in item.remedy.lower()
    assert not _loudspeaker_items(screen, expand(replace(PROTOCOL, n_clips=0), a_set(), 1))
    n = len(plan.trials) - 6
    assert trials_in_words(plan, a_set().stimuli) == f"{n} pictures and 6 clips"
    without = expand(replace(PROTOCOL, n_clips=0), a_set(), 1)
    assert trials_in_words(without, a_set().stimuli) == f"{n} pictures"
    assert not _loudspeaker_items(ScreenChoice(kind="headless"), plan)


# The session --------------------------------------------------------------------------------------------------
class Clock:
    """Time passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.time_s = 100.0

    def now(self) -> float:
        return self.time_s

    def sleep(self, seconds: float) -> None:
        self.time_s += max(0.0, seconds)


class Room:
    """A room with a simulated participant whose markers are kept."""

    def __init__(self, plan: RunPlan) -> None:
        self.pushed: list[tuple[float, Marker]] = []
        self.parts: list[str] = []
        self._waiting: list[Command] = [Start()]
        clock = Clock()
        self.screen, texts = HeadlessScreen(plan.screen, clock), load_texts({})
        self.screen.preload(plan.stimuli, plan.scales, texts)
        by_id, scales = {s.id: s for s in plan.stimuli}, {s.id: s for s in plan.scales}
        participant = SimulatedParticipant(self.screen, 5, by_id, scales, False)
        desk = Desk(self, clock, PresenterState("ready", n_trials=len(plan.plan.trials)))
        stage = Stage(self.screen, desk, MarkerWriter(self, self), clock, participant)
        self._runner = SessionRunner(plan, stage, texts, self.screen.cue)

    def run(self) -> SessionEnd:
        return self._runner.run()

    # What the window, the stream and the journal are told.
    def publish(self, state: PresenterState) -> None:
        self.parts.append(state.part)

    def poll(self) -> list[Command]:
        taken, self._waiting = self._waiting, []
        return taken

    def push(self, text: str, lsl_s: float) -> None:
        self.pushed.append((lsl_s, Marker.parse(text)))

    def append(self, lsl_s: float, marker: str) -> None:
        pass

    def sync(self) -> None:
        pass


@pytest.fixture
def plan(make_clip: Callable[..., Path], tmp_path: Path) -> RunPlan:
    made = []
    for stimulus in a_set(n_clips=6).stimuli:
        file = tmp_path / f"{stimulus.id}.{'wav' if stimulus.kind == 'audio' else 'mp4'}"
        if stimulus.kind == "image":
            Image.new("RGB", (5, 4)).save(file, format="PNG")
        else:
            make_clip(file, 0.5, has_picture=stimulus.kind == "video", has_sound=stimulus.kind == "audio")
        made.append(replace(stimulus, file=str(file)))
    return RunPlan(
        key=RunKey("001"),
        plan=expand(PROTOCOL, StimulusSet(tuple(made)), 1),
        scales=PROTOCOL.scales,
        stimuli=tuple(made),
        seed=1,
        marker_source_id="test",
        streams=(),
        xdf="",
        journal="",
        session_file="",
        screen=ScreenChoice(kind="headless"),
    )


def test_clips_are_shown_rated_and_told_apart_from_pictures(plan: RunPlan) -> None:
    room = Room(plan)
    assert room.run().reason == "completed"
    rows = trials_from_events([Event(s, m) for s, m in room.pushed])
    assert [(r.trial, r.kind) for r in rows] == [(t.number, t.kind) for t in plan.plan.trials]
    assert [r.duration_s for r in rows] == pytest.approx([t.picture_s for t in plan.plan.trials], abs=1 / 60)
    assert all(r.value("valence") is not None for r in rows)
    assert "transfer block" in room.parts
    names = {m.name for _, m in room.pushed if m.shown_kind == "audio"}
    assert names == {"sound/negative", "sound/neutral", "sound/positive"}


def test_a_clip_that_breaks_in_the_session_is_skipped_told_and_the_rest_goes_on(plan: RunPlan) -> None:
    room = Room(plan)
    broken = next(t for t in plan.plan.trials if t.kind == "video")
    Path(next(s.file for s in plan.stimuli if s.id == broken.stimulus_id)).write_bytes(b"broken")
    end = room.run()
    assert end.reason == "completed"
    skipped = [m for _, m in room.pushed if m.is_skipped]
    assert [(m.name, m.details["stimulus"]) for m in skipped] == [("video/skipped", broken.stimulus_id)]
    told = [r.problem for r in end.results if r.problem]
    assert len(told) == 1
    assert "cannot be decoded" in told[0]
    assert len(end.results) == len(plan.plan.trials)
    # Its moment on screen is the blank of the pause, not a flash: no view named it.
    assert not any(m.details.get("id") == broken.stimulus_id for _, m in room.pushed)


def test_a_video_whose_sound_nobody_heard_says_so_in_marker_and_report(
    plan: RunPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HeadlessScreen, "is_muted", property(lambda screen: True))
    room = Room(plan)
    end = room.run()
    shown = {m.shown_kind: m.details.get("sound") for _, m in room.pushed if m.shown_kind}
    assert shown["image"] is None
    assert shown["video"] == "off"
    clips = {r.trial.number for r in end.results if r.trial.is_clip}
    assert {r.trial.number for r in end.results if r.picture is not None and r.picture.is_muted} == clips
    events = [Event(s, m) for s, m in room.pushed]
    assert [r.kind for r in trials_from_events(events)] == [t.kind for t in plan.plan.trials]


def test_a_clip_that_is_missing_or_changed_is_refused_before_the_session(plan: RunPlan) -> None:
    clip = next(s for s in plan.stimuli if s.kind == "audio")
    screen = HeadlessScreen(plan.screen, Clock())
    with pytest.raises(StimulusError, match="has changed since it was imported"):
        screen.preload((replace(clip, sha256="0" * 64),), plan.scales, load_texts({}))
    Path(clip.file).unlink()
    with pytest.raises(StimulusError, match="is missing"):
        screen.preload((clip,), plan.scales, load_texts({}))

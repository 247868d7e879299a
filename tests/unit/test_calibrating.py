"""A provisional verdict on a session that is not over: twice, planned, entered, and nothing accepted."""

from dataclasses import replace
from pathlib import Path

import pytest

from veridical.cli.demo import demo_settings
from veridical.domain.participant import RunKey
from veridical.domain.progress import finish
from veridical.domain.protocol import SessionPlan
from veridical.domain.run import RunPlan
from veridical.domain.simulation import SimulationPlan
from veridical.learning.looks import nominal_levels
from veridical.services.calibrating import calibrate_work, look_of
from veridical.services.session import plan_session
from veridical.services.study import Study, create_study
from veridical.simulator.offline import simulate_recording
from veridical.simulator.performance import SHORTENED
from veridical.storage.ledger import read_ledger
from veridical.storage.run_folder import write_plan

KEY = RunKey("001")


def _plan(study: Study, plan: SessionPlan, **changes: object) -> RunPlan:
    made = RunPlan(
        key=KEY,
        plan=plan,
        scales=study.settings.protocol.scales,
        stimuli=study.stimuli.stimuli,
        seed=1,
        marker_source_id="test",
        streams=(),
        xdf=str(study.paths.xdf(KEY)),
        journal=str(study.paths.journal(KEY)),
        session_file=str(study.paths.session_file(KEY)),
        simulation=SimulationPlan(profile="laughing", seed=3, eeg_channels=8, eeg_hz=250.0, eda_hz=32.0, ecg_hz=128.0),
        looks=(1, 2),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A session that rests after its second of three blocks: the file has no end yet."""
    settings = demo_settings(is_fast=True, seed=3)
    protocol = replace(settings.protocol, n_blocks=3)
    settings = replace(
        settings, protocol=protocol, analysis=replace(settings.analysis, n_permutations=99, looks=(1, 2))
    )
    made = create_study(tmp_path_factory.mktemp("resting") / "study", settings)
    made.add_participant("001")
    plan = plan_session(made, KEY)
    run = _plan(made, plan)
    assert run.simulation is not None
    made.paths.xdf(KEY).parent.mkdir(parents=True, exist_ok=True)
    shown = replace(plan, blocks=plan.blocks[:2])
    simulate_recording(made.paths.xdf(KEY), run.simulation, shown, made.stimuli, protocol.scales, 5, SHORTENED)
    with made.paths.xdf(KEY).open("r+b") as file:
        file.truncate(made.paths.xdf(KEY).stat().st_size - 3000)
    write_plan(made.paths.run(KEY), run)
    return made


def _files(folder: Path) -> dict[str, bytes]:
    kept = [p for p in folder.rglob("*") if p.is_file() and "ledger" not in p.name]
    return {str(p): p.read_bytes() for p in kept}


def test_a_look_judges_without_and_with_all_suggestions_and_accepts_none(study: Study) -> None:
    before = _files(study.root)
    calibration = finish(calibrate_work(study, KEY, 2))
    assert _files(study.root) == before, "a look leaves marks, suggestions, features and the recording alone"
    look = calibration.look
    assert (look.number, look.n_looks, look.block) == (2, 3, 2)
    none, full = calibration.verdicts
    assert (none.rejection, full.rejection) == ("none", "full")
    assert none.n_shown == full.n_shown == sum(len(b) for b in plan_session(study, KEY).blocks[:2])
    assert calibration.n_suggestions > 5
    # The participant laughs: rejecting what is suggested costs trials, rejecting nothing costs none of them.
    assert full.n_rejected > none.n_rejected
    assert none.validation is not None
    assert none.headline.startswith("In simulation")
    lines = read_ledger(study.paths.ledger("001"))
    assert [line.number for line in lines] == [1, 2]
    assert all("0 % reviewed by a rater" in line.headline and not line.is_primary for line in lines)
    assert all(line.look.startswith("look 2 of 3, counts below .0") for line in lines)


def test_looks_share_the_error_probability_by_what_has_been_shown(study: Study) -> None:
    plan = _plan(study, plan_session(study, KEY))
    sizes = [len(b) for b in plan.plan.blocks]
    shares = [sum(sizes[: k + 1]) / sum(sizes) for k in range(3)]
    looks = [look_of(plan, block) for block in (1, 2, 3)]
    assert [look.share for look in looks] == pytest.approx(shares)
    assert [look.level for look in looks] == pytest.approx(nominal_levels(shares))
    assert [look.number for look in looks] == [1, 2, 3]
    alone = look_of(replace(plan, looks=()), 3)
    assert (alone.number, alone.n_looks) == (1, 1)
    assert alone.level == pytest.approx(0.05, abs=1e-6)
    unplanned = look_of(replace(plan, looks=(2,)), 1)
    assert not unplanned.is_planned


def test_a_session_that_went_on_in_another_run_counts_all_its_trials(study: Study) -> None:
    whole = _plan(study, plan_session(study, KEY))
    sizes = [len(b) for b in whole.plan.blocks]
    rest = _plan(study, replace(whole.plan, blocks=whole.plan.blocks[1:]), n_before=sizes[0], continues=1)
    assert look_of(rest, 2).share == pytest.approx(look_of(whole, 2).share)
    assert look_of(rest, 2).level == pytest.approx(look_of(whole, 2).level)


def test_a_cancelled_look_leaves_nothing(study: Study) -> None:
    before = _files(study.root), read_ledger(study.paths.ledger("001"))
    work = calibrate_work(study, KEY, 2)
    while next(work).share < 0.5:
        pass
    work.close()
    assert (_files(study.root), read_ledger(study.paths.ledger("001"))) == before

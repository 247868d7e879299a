"""What a session's files say once it is over: were the checks passed, what do the onsets rest on."""

from dataclasses import replace
from pathlib import Path

import pytest

from veridical.domain.event_timing import DisplayTiming
from veridical.domain.participant import RunKey
from veridical.domain.protocol import SessionPlan
from veridical.domain.run import RunPlan
from veridical.domain.stream import RoleAssignment
from veridical.domain.trigger import TriggerChoice
from veridical.services.session_summary import session_facts
from veridical.services.study import Study, create_study
from veridical.storage.journal import Journal
from veridical.storage.run_folder import write_plan
from veridical.storage.timing_file import add_display_timing


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return create_study(tmp_path / "s")


def _run(study: Study, number: int, checks: tuple[str, ...], continues: int | None = None) -> RunPlan:
    key = RunKey("001", run=number)
    plan = RunPlan(key, SessionPlan(), (), (), 0, "m", (), "", "", "", continues=continues)
    write_plan(study.paths.run(key), plan)
    study.paths.raw(key).mkdir(parents=True, exist_ok=True)
    journal = Journal(study.paths.journal(key))
    for result in checks:
        journal.append(1.0, f"check/attention asked=5 result={result} trial=1")
    journal.close()
    return plan


def test_checks_count_over_the_runs_of_one_session_only(study: Study) -> None:
    _run(study, 1, ("failed",))
    _run(study, 2, ("passed", "failed"))
    last = _run(study, 3, ("passed",), continues=2)
    facts = session_facts(study, last)
    assert (facts.n_checks, facts.n_passed) == (3, 2)
    assert facts.attention.startswith("2 of 3 attention checks passed: the ratings may be careless")
    assert session_facts(study, _run(study, 4, ("passed",))).attention == "1 of 1 attention check passed"
    assert session_facts(study, _run(study, 5, ())).attention == ""


def test_what_onsets_rest_on_is_said_as_it_is(study: Study) -> None:
    plan = _run(study, 1, ())
    assert session_facts(study, plan, "a screen").timing == "software timing only"
    pulsed = replace(plan, trigger=TriggerChoice("loopback"))
    assert "no channel has the role TTL" in session_facts(study, pulsed).timing
    for role in ("TTL", "photodiode"):
        seen = replace(pulsed, roles=(RoleAssignment(role, "Amp", "x", (1,), ("AUX",), "V"),))  # type: ignore[arg-type]
        assert "onsets are measured" in session_facts(study, seen).timing
    add_display_timing(study.paths.display_timing, DisplayTiming("", "a screen", "", 10, 10, 0.012, 0.001, 0.002))
    assert "12.0 ms" in session_facts(study, plan, "a screen").timing
    assert session_facts(study, plan, "another").timing == "software timing only"

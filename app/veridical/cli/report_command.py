"""``veridical report``."""

from pathlib import Path

import msgspec

from veridical.audit.wording import percent
from veridical.cli.output import follow, put
from veridical.reports.study_report import headline
from veridical.services.study import open_study
from veridical.services.study_reporting import study_report_work


def run_report(study: Path, target: str | None, as_json: bool) -> None:
    """Join the participants of a study, write the report and print what it says."""
    result = follow(study_report_work(open_study(study), target))
    document = result.document
    if as_json:
        put(msgspec.json.encode(document).decode())
        return
    put(f"{headline(document)}.")
    for p in document.people:
        low, high = p.interval95
        put(
            f"  {p.participant}  {percent(p.balanced_accuracy)} ({percent(low)} to {percent(high)}), "
            f"p = {p.p_value:.3f}, over participants {p.p_holm:.3f}: {p.headline}"
        )
    shares = (("p below .05", document.above_chance), ("and nothing measured explains it", document.unexplained))
    for words, found in shares:
        put(f"Prevalence, {words}: {percent(found.estimate)} ({percent(found.low)} to {percent(found.high)})")
    for who, why in document.left_out.items():
        put(f"Not counted: {who}. {why}")
    put(f"Report: {result.report}")

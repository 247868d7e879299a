"""``veridical audit``."""

from pathlib import Path

from veridical.cli.output import follow, put, put_json
from veridical.services.auditing import audit_work
from veridical.services.judging import TrainingRequest
from veridical.services.study import open_study


def run_audit(study: Path, request: TrainingRequest, as_json: bool) -> None:
    """Run every check and print verdict, findings and remedies."""
    result = follow(audit_work(open_study(study), request))
    if as_json:
        put_json(
            {
                "verdict": result.verdict.headline,
                "checks": [
                    {
                        "threat": f.threat,
                        "verdict": f.verdict,
                        "evidence": dict(f.evidence),
                        "summary": f.summary,
                        "remedy": f.remedy,
                    }
                    for f in result.findings
                ],
            }
        )
        return
    kind = "" if result.is_primary else f" (exploratory, analysis {result.analysis})"
    put(f"{result.verdict.headline}{kind}.")
    width = max(len(f.verdict) for f in result.findings)
    for f in result.findings:
        put(f"  {f.verdict:<{width}}  {f.threat}: {f.summary}")
        if f.remedy:
            put(f"  {'':<{width}}  {f.remedy}")

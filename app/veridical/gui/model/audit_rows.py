"""The audit as the Model page lists it, without Qt: worst first, every number in words, every remedy with its cost."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from veridical.audit.evidence import evidence_words
from veridical.audit.wording import QUESTIONS, sentence
from veridical.domain.chart import Chart
from veridical.domain.evaluation import Finding, FindingVerdict
from veridical.domain.remedy import Remedy
from veridical.gui.common.tokens import StatusLevel

_LEVEL: dict[FindingVerdict, StatusLevel] = {
    "pass": "good",
    "caution": "caution",
    "fail": "fail",
    "not enough data": "unknown",
}
_ORDER: dict[StatusLevel, int] = {"fail": 0, "caution": 1, "unknown": 2, "good": 3}
# Where a remedy that people do leads.
PAGES = {"record": "run", "annotate": "annotate", "match pictures": "study"}


@dataclass(frozen=True)
class AuditRow:
    """One check.

    Parameters
    ----------
    verdict : str
        ``Pass``, ``Caution``, ``Fail``, ``Not enough data``; stands beside the icon of ``level``.
    evidence : tuple of (str, str)
        Names and numbers in words.
    offer : Remedy or None
        What a button can do about it.
    """

    threat: str
    question: str
    level: StatusLevel
    verdict: str
    summary: str
    remedy: str
    evidence: tuple[tuple[str, str], ...]
    chart: Chart | None
    offer: Remedy | None


def audit_rows(findings: Sequence[Finding], remedies: Sequence[Remedy]) -> tuple[AuditRow, ...]:
    """Put findings into words; those that matter stand first."""
    offers = {r.threat: r for r in remedies}
    rows = (
        AuditRow(
            threat=f.threat,
            question=QUESTIONS.get(f.threat, sentence(f.threat)),
            level=_LEVEL[f.verdict],
            verdict=sentence(f.verdict),
            summary=_bound(f.summary),
            remedy=f.remedy,
            evidence=evidence_words(f.evidence),
            chart=f.chart,
            offer=offers.get(f.threat) if f.verdict != "pass" else None,
        )
        for f in findings
    )
    return tuple(sorted(rows, key=lambda r: _ORDER[r.level]))


def _bound(words: str) -> str:
    """Keep ``p = .010`` and ``74 %`` on one line."""
    return re.sub(r" (=|<) (?=[.\d])", "\u00a0\\1\u00a0", words).replace(" %", "\u00a0%")


def in_short(rows: Sequence[AuditRow]) -> str:
    """``2 fail, 1 caution, 3 not enough data, 8 pass``."""
    words: dict[StatusLevel, str] = {"fail": "fail", "caution": "caution", "unknown": "not enough data", "good": "pass"}
    counts = {level: sum(r.level == level for r in rows) for level in words}
    return ", ".join(f"{n} {words[level]}" for level, n in counts.items() if n)

"""The report of a model: one self-contained HTML file, and the same as JSON beside it."""

from pathlib import Path

from veridical.reports.content import ReportContent


def write_report(path: Path, content: ReportContent) -> None:
    """Write ``path`` (HTML) and its JSON twin (same name, suffix ``.json``), each whole or not at all."""
    raise NotImplementedError

"""The report of a model: one self-contained HTML file, and the same as JSON beside it."""

import re
from pathlib import Path

import jinja2
import msgspec

from veridical.paths import resources
from veridical.reports.content import ReportContent
from veridical.reports.document import document_of
from veridical.reports.page import page_of
from veridical.storage.atomic import write_atomically

_UNIT = re.compile(r"(?<=\d) (?=(?:%|s|ms|Hz|min)\b|%)")


def render_html(content: ReportContent, json_name: str = "report.json") -> str:
    """Return the whole page; it loads nothing from elsewhere and runs no script."""
    folder = resources() / "report"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=bind_units,
    )
    css = (folder / "report.css").read_text(encoding="utf-8")
    page = page_of(content, json_name)
    return environment.get_template("report.html.j2").render(page=page, css=css)


def bind_units(value: object) -> object:
    """Keep a number and its unit on one line (``75 %``, ``0.5 s``); markup passes as it is."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return _UNIT.sub("\u00a0", value)
    return value


def render_json(content: ReportContent) -> bytes:
    """Return the numbers as JSON; what does not exist (NaN) is null."""
    return msgspec.json.format(msgspec.json.encode(document_of(content)), indent=2)


def write_report(path: Path, content: ReportContent) -> None:
    """Write ``path`` (HTML) and its JSON twin (same name, suffix ``.json``), each whole or not at all.

    Raises
    ------
    StorageError
        If the folder cannot be written; an older report is unharmed.
    """
    twin = path.with_suffix(".json")
    html = render_html(content, twin.name)
    write_atomically(twin, render_json(content))
    write_atomically(path, html.encode())

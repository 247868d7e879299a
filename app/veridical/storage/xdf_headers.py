"""The XML of an XDF file, read safely, and as far as possible where it is damaged."""

import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError, SubElement

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from veridical.domain.stream import StreamDescription
from veridical.domain.stream_header import describe_stream

_CORE_TAGS = ("name", "type", "channel_count", "nominal_srate", "channel_format", "source_id", "uid", "hostname")
# A header of 10,000 channels has 80,000 tags. What has more costs more memory than a file may.
_MOST_TAGS = 200_000
_MOST_BYTES = 1 << 24
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)")
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Footer:
    """What the recorder said of a stream when it closed the file; None where it said nothing."""

    first_timestamp: float | None
    last_timestamp: float | None
    sample_count: int | None


@dataclass(frozen=True)
class Header:
    """A stream's header.

    Parameters
    ----------
    flaw : str
        What had to be mended to read it; empty if nothing.
    """

    description: StreamDescription
    root: Element
    flaw: str = ""


def parse(xml: bytes) -> Element | None:
    """Parse XML without entities or document types; None if it is no such XML."""
    if len(xml) > _MOST_BYTES or xml.count(b"<") > _MOST_TAGS:
        return None
    return _parse_text(xml.decode("utf-8", "replace"))


def _parse_text(text: str) -> Element | None:
    try:
        root: Element = fromstring(text, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        return None
    return root


def read_header(xml: bytes) -> Header:
    """Read a stream's header, mending what can be mended.

    A bare ``&`` and control characters (devices write them in their notes) are replaced; of worse XML only the
    fields that reading needs are looked for. A rate that is no rate becomes 0.

    Raises
    ------
    ValueError
        If channel count or format are missing or impossible.
    """
    flaw = ""
    root = parse(xml)
    if root is None:
        flaw = "its XML is damaged"
        root = _mend(xml)
    try:
        return Header(describe_stream(root), root, flaw)
    except ValueError:
        rate = root.find("nominal_srate")
        if rate is None:
            rate = SubElement(root, "nominal_srate")
        told, rate.text = rate.text, "0"
        # Raises again if it was not the rate.
        return Header(describe_stream(root), root, flaw or f"its rate is {told!r}")


def _mend(xml: bytes) -> Element:
    text = xml[:_MOST_BYTES].decode("utf-8", "replace")
    if text.count("<") <= _MOST_TAGS and "<!" not in text:
        root = _parse_text(_BARE_AMPERSAND.sub("&amp;", _NO_XML.sub("\ufffd", text)))
        if root is not None:
            return root
    root = Element("info")
    for tag in _CORE_TAGS:
        found = re.search(rf"<{tag}>([^<]*)</{tag}>", text)
        if found:
            SubElement(root, tag).text = found.group(1)
    return root


def read_footer(xml: bytes) -> Footer | None:
    """Read a stream's footer; None if it is none.

    Only three numbers are looked for: a long recording's footer repeats thousands of clock offsets.
    """
    if b"<info" not in xml:
        return None
    count = _number(xml, b"sample_count")
    is_count = count is not None and count == count and abs(count) != float("inf")
    return Footer(
        _number(xml, b"first_timestamp"),
        _number(xml, b"last_timestamp"),
        int(count) if count is not None and is_count else None,
    )


def _number(xml: bytes, tag: bytes) -> float | None:
    found = re.search(rb"<%b>\s*([^<\s]{1,64})\s*</%b>" % (tag, tag), xml)
    try:
        return float(found.group(1)) if found else None
    except ValueError:
        return None

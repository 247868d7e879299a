"""A stream's XML header, as LSL announces it and XDF stores it, to and from a description."""

from typing import get_args
from xml.etree.ElementTree import Element, SubElement, tostring

from veridical.domain.stream import SampleFormat, StreamDescription

_MOST_PADDED = 10_000


def _text(element: Element, tag: str) -> str:
    return (element.findtext(tag) or "").strip()


def _channel_texts(channels: list[Element], tag: str, n_channels: int) -> tuple[str, ...]:
    texts = [_text(channel, tag) for channel in channels[:n_channels]]
    if not any(texts):
        return ()
    # A header of one line may announce two billion channels: what it does not list is not made up for them.
    n_padded = n_channels if n_channels <= _MOST_PADDED else len(texts)
    return (*texts, *("" for _ in range(len(texts), n_padded)))


def describe_stream(root: Element) -> StreamDescription:
    """Read an ``<info>`` header.

    Labels, types and units are empty tuples where ``desc/channels/channel`` says nothing.

    Raises
    ------
    ValueError
        If channel count, rate or format are missing or impossible.
    """
    format_ = _text(root, "channel_format")
    if format_ not in get_args(SampleFormat):
        raise ValueError(f"channel format {format_!r} is none of LSL's")
    n_channels = int(_text(root, "channel_count"))
    nominal_hz = float(_text(root, "nominal_srate"))
    if n_channels < 0 or not 0 <= nominal_hz < float("inf"):
        raise ValueError(f"{n_channels} channels at {nominal_hz} Hz are impossible")
    found = root.find("desc/channels")
    channels = found.findall("channel") if found is not None else []
    return StreamDescription(
        name=_text(root, "name"),
        type=_text(root, "type"),
        source_id=_text(root, "source_id"),
        uid=_text(root, "uid"),
        hostname=_text(root, "hostname"),
        n_channels=n_channels,
        nominal_hz=nominal_hz,
        format=next(known for known in get_args(SampleFormat) if known == format_),
        labels=_channel_texts(channels, "label", n_channels),
        types=_channel_texts(channels, "type", n_channels),
        units=_channel_texts(channels, "unit", n_channels),
    )


def header_xml(stream: StreamDescription) -> str:
    """Write a description as the header that ``describe_stream`` reads."""
    root = Element("info")
    for tag, text in (
        ("name", stream.name),
        ("type", stream.type),
        ("channel_count", str(stream.n_channels)),
        ("nominal_srate", repr(float(stream.nominal_hz))),
        ("channel_format", stream.format),
        ("source_id", stream.source_id),
        ("uid", stream.uid),
        ("hostname", stream.hostname),
    ):
        # A control character is no XML 1.0, whatever a device calls itself.
        SubElement(root, tag).text = "".join(c for c in text if c >= " " or c in "\t\n")
    channels = SubElement(SubElement(root, "desc"), "channels")
    columns = (("label", stream.labels), ("unit", stream.units), ("type", stream.types))
    if any(texts for _, texts in columns):
        for index in range(stream.n_channels):
            channel = SubElement(channels, "channel")
            for tag, texts in columns:
                SubElement(channel, tag).text = texts[index] if index < len(texts) else ""
    return '<?xml version="1.0"?>' + tostring(root, encoding="unicode")

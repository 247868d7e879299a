"""One table names every feature; the documentation is made from it."""

from pathlib import Path

from veridical.features.table import ALL_FEATURES, as_markdown

_DOCS = Path(__file__).parents[2] / "docs" / "features.md"


def test_the_documentation_holds_the_table_of_the_code() -> None:
    assert as_markdown() in _DOCS.read_text(encoding="utf-8")


def test_every_feature_has_one_name_a_unit_a_window_and_a_source() -> None:
    assert len({f.name for f in ALL_FEATURES}) == len(ALL_FEATURES)
    for feature in ALL_FEATURES:
        assert all((feature.unit, feature.source, feature.title)), feature.name
        assert feature.window_s[0] < feature.window_s[1], feature.name
        assert "|" not in f"{feature.name}{feature.unit}{feature.source}{feature.title}", feature.name

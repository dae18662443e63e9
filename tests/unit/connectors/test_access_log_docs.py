"""docs/access-logs.md is true: its documents open, its table states the grades and budgets of the code."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest
import yaml

from quivive.connectors.access_logs import open_documented, stated
from quivive.connectors.registry import CODED, Context, open_translator
from quivive.model.catalogue import Alternate, Catalogue, Table, TableKind
from quivive.settings import SourceSettings

PAGE = (Path(__file__).parents[3] / "docs" / "access-logs.md").read_text(encoding="utf-8")
DOCUMENTS = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
SOURCES = [tomllib.loads(text)["sources"] for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)]
CATALOGUE = Catalogue(
    controller="aurore",
    version=1,
    tables=(
        Table(
            name="public.customer",
            kind=TableKind.PERSON,
            key=("id",),
            alternates=(Alternate(column="phone", kind="phone"),),
        ),
        Table(name="public.order_line", kind=TableKind.LINKED, key=("order_id", "line_no")),
    ),
    not_protected=(),
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document["translator"])
def test_the_documents_open(document):
    """Every YAML of the page is a document that the registry takes."""
    assert open_documented(document, "x.yml", None, CATALOGUE, "Europe/Paris", "FR")
    assert stated(document, "x.yml")["lateness_s"] == 600


def test_the_sources_are_sources():
    """Every TOML of the page is a source."""
    for sources in SOURCES:
        for raw in sources.values():
            if "kind" not in raw:  # a further setting of one shown above
                continue
            source = msgspec.convert(raw, SourceSettings)
            assert source.follow == (source.kind == "files"), "a log grows, and is followed"


def test_the_table_states_grade_and_lateness_of_each_mapping():
    """What the dry run prints is what the page says."""
    rows = [line.split("|") for line in PAGE.splitlines() if line.startswith("| ") and "`" in line.split("|")[1]]
    told = {}
    for row in (row for row in rows if len(row) > 6):
        number, unit = row[5].split()
        for name in re.findall(r"`([a-z-]+)`", row[1]):
            told[name] = (row[4].strip(), int(number) * {"h": 3_600, "min": 60}[unit])
    assert len(told) >= 11
    for name, (grade, lateness_s) in told.items():
        feed = CODED[name] if name in CODED else open_translator(name, Context(source="x"))
        assert (feed.grade, feed.lateness_s) == (grade, lateness_s), name

"""Templates: the shipped ones, and what the loader refuses."""

import re
from pathlib import Path

import pytest

import quivive.detection.templates as templates_module
from quivive.detection.templates import SHAPES, parse_template, shipped_templates
from quivive.model.errors import ConfigurationError
from quivive.model.verdict import Template


def test_all_templates_ship():
    """Every template of the model has a file, every shape is used."""
    assert {each.template for each in shipped_templates()} == set(Template) - {Template.NONE}
    assert {each.shape for each in shipped_templates()} == set(SHAPES)


GOOD = "template: E1\nshape: call\npriority: 1\nstrength: strong\n"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (GOOD + "before_s: {start: 61, max: 60}\n", "before_s"),
        (GOOD + "before_s: 15\n", "before_s"),
        (GOOD.replace("E1", "E99"), "template"),
        (GOOD.replace("shape: call", "shape: asof"), "shape"),
        (GOOD.replace("strong", "certain"), "strength"),
        (GOOD + "score: 3\n", "score"),
        (GOOD + "cap: -1\n", "cap"),
        (GOOD + "contact: [fax]\n", "contact"),
        (GOOD + "roles: boss\n", "roles"),
        (GOOD + "begins: birth\n", "begins"),
        ("- E1\n", ""),
    ],
)
def test_loader_names_file_and_key(text, key):
    """A window above its hard maximum, or anything unknown, names file and key."""
    with pytest.raises(ConfigurationError) as caught:
        parse_template("mine.yml", text)
    assert (caught.value.file, caught.value.key) == ("mine.yml", key)


def test_steps_keep_to_portable_sql():
    """Sealed days are plain Parquet judged elsewhere with the same text: no dialect tricks (DESIGN §8)."""
    folder = Path(templates_module.__file__).parent / "steps"
    tricks = re.compile(
        r"\bASOF\b|\bQUALIFY\b|//|::|\bEXCLUDE\b|\bapprox|\blist_(?!member)|\bunnest\b|\bGROUP BY ALL\b", re.IGNORECASE
    )
    for path in folder.glob("*.sql"):
        bare = "\n".join(line for line in path.read_text().splitlines() if not line.strip().startswith("--"))
        assert tricks.findall(bare) == [], path.name

"""Whatever stands in a mapping or in a record, only the documented errors come out."""

import contextlib
from datetime import date, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from mapping_support import NOW

from quivive.connectors.mapping.leaf import SOURCES
from quivive.connectors.mapping.loader import parse_mapping
from quivive.connectors.mapping.translator import MappingTranslator
from quivive.connectors.model import Record
from quivive.model.errors import ConfigurationError

STEPS = [
    "with",
    "time",
    "strip_prefix",
    "regex",
    "case",
    "choice",
    "otherwise",
    "split",
    "prefix",
    "phone",
    "integer",
    "date",
    "zone",
    "plus",
    "unit",
    "after",
    "default",
    "optional",
    "each",
    "where",
    "item",
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 70000)
    | st.floats(allow_nan=True)
    | st.text(max_size=6)
    | st.sampled_from(
        ["A", "B", "iso", "dmy", "serial", "clock", "s", "lower", "Europe/Paris", "from", "(a)b", "controller", "x.y.0"]
    )
)
LEAVES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*SOURCES, *STEPS, "A", "from", "reason", "in", "present"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)
CELLS = st.one_of(
    SCALARS,
    st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)),  # noqa: DTZ001
    st.dates(date(1900, 1, 1)),
    st.times(),
    st.timedeltas(),
    st.sampled_from(["22/11/2026 14:05", "45730.5", "2026-11-22T14:05:00Z", "\udce9", "1" * 400, "9" * 15, "24:00"]),
    st.dictionaries(st.sampled_from(["x", "y"]), SCALARS, max_size=2),
    st.lists(SCALARS, max_size=2),
)


@settings(max_examples=300, deadline=None)
@given(
    fields=LEAVES,
    top=st.dictionaries(
        st.sampled_from(
            [
                "format",
                "when",
                "merge",
                "version",
                "rename",
                "defaults",
                "title",
                "lateness",
                "absent",
                "kind",
                "timezone",
                "complete_to",
                "grade",
                "sample",
                "name",
                "ambiguous",
            ]
        ),
        LEAVES,
        max_size=2,
    ),
)
def test_a_mapping_loads_or_is_one_sentence(fields, top):
    """Never another error, whatever the YAML held; and what loads can be applied."""
    with contextlib.suppress(ConfigurationError):
        spec = parse_mapping({"kind": "contacts", "fields": {"id": "A", "x": fields}, **top}, "f.yml", lambda _: {})
        engine = MappingTranslator(spec, settings={}, site_zone="Europe/Paris")
        list(engine.feed([Record(number=2, fields={"A": "1", "B": "22/11/2026"})], NOW))


ENGINE = """
kind: contacts
timezone: Europe/Paris
merge: [legs, tags]
when: [{column: S, not_in: [x], reason: r}]
fields:
  id: {first_of: [A, {digest: [A, B]}]}
  tags: {column: B, split: ",", regex: "(.+)", case: upper}
  phone: {column: P, phone: true}
  n: {column: N, integer: true}
  flag: {column: S, choice: {a: true}, otherwise: false}
  opened_at: {column: D, date: [iso, dmy, serial, epoch_s, epoch_ms, ymd, "%H"]}
  closed_at: {column: D, date: [dmy, serial], plus: {column: N, unit: clock}, after: opened_at}
  due_at: {day: D, time: T}
  legs: [{agent: A, from: {column: D, date: [dmy]}}, {agent: x.y}]
"""


@settings(max_examples=300, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("ABPNSDTx"), CELLS, max_size=8), max_size=4))
def test_any_record_is_a_row_or_a_refusal(records):
    """Also what a spreadsheet puts into its cells."""
    import yaml

    engine = MappingTranslator(
        parse_mapping(yaml.safe_load(ENGINE), "f.yml", lambda _: {}), settings={}, site_zone="Europe/Paris"
    )
    list(engine.feed([Record(number=n, fields=fields) for n, fields in enumerate(records)], NOW))

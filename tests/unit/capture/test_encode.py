"""Hand-assembled access bodies are exactly what msgspec would write."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from quivive.capture.encode import AccessTemplate, encode_body, patterns_json, records_json
from quivive.model.access import (
    AccessBody,
    Action,
    AttributionSource,
    CaptureMode,
    CoverageClass,
    GapBody,
    Grade,
    Outcome,
    Pattern,
    PatternClass,
    RecordGroup,
)

ENCODER = msgspec.json.Encoder(order="sorted")
hexes = st.text("0123456789abcdef", min_size=32, max_size=32)
names = st.text(min_size=1, max_size=20)
counts = st.integers(0, 1 << 50)


def both(body: AccessBody) -> tuple[bytes, bytes]:
    template = AccessTemplate(
        account=body.account,
        action=body.action,
        agent=body.agent,
        attribution=body.attribution,
        changed=body.changed,
        columns=body.columns,
        contact=body.contact,
        grade=body.grade,
        mode=body.mode,
        session=body.session,
        shape=body.shape,
        tables=body.tables,
        zone=body.zone,
        workstation=body.workstation,
        program=body.program,
    )
    ours = template.body(
        access=body.access,
        part=body.part,
        final=body.final,
        at=body.at,
        ended_at=body.ended_at,
        coverage=body.coverage,
        records=records_json(body.records),
        rows=body.rows,
        rows_bytes=body.rows_bytes,
        distinct=body.distinct,
        patterns=patterns_json(body.patterns),
        neighbourhoods=body.neighbourhoods,
        outcome=body.outcome,
    )
    return ours, ENCODER.encode(body)


bodies = st.builds(
    AccessBody,
    access=hexes,
    part=st.integers(0, 99),
    final=st.booleans(),
    at=counts,
    ended_at=counts,
    agent=hexes,
    account=hexes,
    contact=hexes,
    session=hexes,
    attribution=st.sampled_from(AttributionSource),
    action=st.sampled_from(Action),
    mode=st.sampled_from(CaptureMode),
    grade=st.sampled_from(Grade),
    shape=hexes,
    tables=st.tuples(names),
    columns=st.lists(names, max_size=3).map(tuple),
    changed=st.lists(names, max_size=3).map(tuple),
    coverage=st.sampled_from(CoverageClass),
    records=st.lists(st.builds(RecordGroup, table=names, keys=st.lists(hexes, max_size=3).map(tuple)), max_size=2).map(
        tuple
    ),
    rows=counts,
    rows_bytes=counts,
    distinct=counts,
    patterns=st.lists(
        st.builds(Pattern, column=names, pattern_class=st.sampled_from(PatternClass), fixed_chars=st.integers(0, 9)),
        max_size=2,
    ).map(tuple),
    neighbourhoods=st.lists(hexes, max_size=2).map(tuple),
    outcome=st.sampled_from(Outcome),
    zone=names,
    workstation=hexes,
    program=names,
)


@given(bodies)
def test_the_template_writes_what_msgspec_writes(body: AccessBody) -> None:
    """Any access body: the same bytes, sorted keys included."""
    ours, theirs = both(body)
    assert ours == theirs


@given(hexes, hexes, names, counts)
def test_the_quick_body_is_the_long_one(key: str, near: str, table: str, rows: int) -> None:
    """The one-record shortcut writes the same bytes as the general template."""
    template = AccessTemplate(
        account="",
        action=Action.READ,
        agent=key,
        attribution="none",
        changed=(),
        columns=("public.t.c",),
        contact="",
        grade=Grade.A,
        mode=CaptureMode.OBSERVE,
        session=near,
        shape="0" * 16,
        tables=(table,),
        zone="paris",
        workstation="",
        program="crm",
    )
    records = (RecordGroup(table=table, keys=(key,)),)
    long = template.body(
        access="a-1",
        part=0,
        final=True,
        at=5,
        ended_at=6,
        coverage=CoverageClass.PREDICATE,
        records=records_json(records),
        rows=rows,
        rows_bytes=7,
        distinct=1,
        patterns="[]",
        neighbourhoods=(near,),
        outcome=Outcome.OK,
    )
    tail = f'"],"table":{msgspec.json.encode(table).decode()}}}]'
    between = ("1", 5, 6, near, key, rows, 7)
    pieces = template.quick("a", tail)
    quick = "".join(f"{piece}{value}" for piece, value in zip(pieces, (*between, ""), strict=True))
    assert quick.encode() == long


def test_other_bodies_have_sorted_keys() -> None:
    """A gap is encoded with sorted keys."""
    text = encode_body(GapBody(from_at=1, to_at=2, cause="codec", lost=-1))
    assert list(msgspec.json.decode(text)) == sorted(msgspec.json.decode(text))

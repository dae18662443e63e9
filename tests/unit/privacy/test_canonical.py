"""One canonical text per key value: the golden table, and what it must hold for any value."""

import json
import struct
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quivive.model.catalogue import Catalogue, Table, TableKind
from quivive.model.errors import RefusedError
from quivive.privacy.canonical import (
    canonical_alternate,
    canonical_key,
    canonical_literal,
    canonical_text,
    parse_record,
    split_key,
)

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "canonical.json").read_text(encoding="utf-8"))
CATALOGUE = Catalogue(
    controller="aurore",
    version=1,
    tables=(
        Table(name="public.customer", kind=TableKind.PERSON, key=("id",)),
        Table(name="public.line", kind=TableKind.LINKED, key=("order_id", "line_no")),
        Table(name="a.twice", kind=TableKind.PERSON, key=("id",)),
        Table(name="b.twice", kind=TableKind.PERSON, key=("id",)),
    ),
    not_protected=(),
)


@pytest.mark.parametrize("row", GOLDEN["values"], ids=lambda row: row["type"])
def test_golden_values(row: dict) -> None:
    """Text, binary and literal forms of one value give one text; what cannot be read gives none."""
    for text in row["text"]:
        assert canonical_text(row["oid"], 0, text.encode()) == row["canonical"]
        assert canonical_literal(row["oid"], text) == row["canonical"]
    for binary in row["binary"]:
        assert canonical_text(row["oid"], 1, bytes.fromhex(binary)) == row["canonical"]


@pytest.mark.parametrize("row", GOLDEN["alternates"], ids=lambda row: str(row["canonical"]))
def test_golden_alternates(row: dict) -> None:
    """Every way of writing a phone, an e-mail or a number is one identity; an invalid one is none."""
    assert {canonical_alternate(row["kind"], text, "FR") for text in row["texts"]} == {row["canonical"]}


@pytest.mark.parametrize("row", GOLDEN["composites"], ids=lambda row: row["key"])
def test_golden_composites(row: dict) -> None:
    """Parts are joined and, when several, found again."""
    assert canonical_key(row["parts"]) == row["key"]
    if len(row["parts"]) > 1:
        assert split_key(row["key"]) == row["parts"]


@settings(deadline=None)
@given(st.integers(min_value=-(2**63), max_value=2**63 - 1))
def test_integers_agree(number: int) -> None:
    """Text and binary integers are one."""
    assert (
        canonical_text(20, 0, str(number).encode()) == canonical_text(20, 1, struct.pack("!q", number)) == str(number)
    )


@settings(deadline=None)
@given(st.uuids())
def test_uuids_agree(uuid: UUID) -> None:
    """Text and binary uuids are one, and so is text that holds one."""
    forms = {canonical_text(2950, 1, uuid.bytes), canonical_text(2950, 0, str(uuid).upper().encode())}
    assert forms | {canonical_text(25, 0, str(uuid).upper().encode())} == {str(uuid)}


@settings(deadline=None)
@given(
    st.binary(max_size=30),
    st.sampled_from([0, 1]),
    st.sampled_from([16, 17, 20, 23, 25, 1042, 1082, 1114, 1184, 1700, 2950, 0, 99]),
)
def test_never_raises(raw: bytes, wire_format: int, oid: int) -> None:
    """Any bytes are a text or nothing."""
    canonical_text(oid, wire_format, raw)


@settings(deadline=None)
@given(st.lists(st.text(max_size=8), min_size=2, max_size=4), st.lists(st.text(max_size=8), min_size=2, max_size=4))
def test_composite_keys_never_collide(a: list[str], b: list[str]) -> None:
    """Two different keys never give one text."""
    assert split_key(canonical_key(a)) == a
    assert (canonical_key(a) == canonical_key(b)) == (a == b)


def test_record_notation() -> None:
    """`customer:2`, with or without schema, composite keys by commas."""
    assert parse_record(CATALOGUE, "customer:2")[1] == "2"
    assert parse_record(CATALOGUE, " public.customer : 2 ")[0].name == "public.customer"
    assert parse_record(CATALOGUE, "customer:a:b,c")[1] == "a:b,c"
    assert parse_record(CATALOGUE, "line:7,1")[1] == "7,1"
    assert parse_record(CATALOGUE, "b.twice:1")[0].name == "b.twice"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("customer", "record_notation"),
        ("customer:", "record_notation"),
        (":2", "record_notation"),
        ("nobody:2", "record_table_unknown"),
        ("twice:2", "record_table_ambiguous"),
        ("line:7", "record_key_parts"),
    ],
)
def test_record_notation_refused(text: str, code: str) -> None:
    """A wrong notation says what was expected and repeats no value."""
    with pytest.raises(RefusedError) as refused:
        parse_record(CATALOGUE, text)
    assert refused.value.code == code
    assert "7" not in str(refused.value)
    assert "2" not in str(refused.value).replace("found 1", "").replace("expected 2", "")

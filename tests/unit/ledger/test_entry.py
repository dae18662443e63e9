"""Event bytes (ledger/entry.py): sorted, integers only, the body verbatim."""

import json

import pytest

from quivive.ledger.entry import EntryError, decode_entry, encode_entry, entry_id
from quivive.model.entry import ENTRY_VERSION, EntryKind, RetentionClass


def test_an_entry_is_sorted_json_with_the_body_verbatim(home):
    """Keys are sorted at the envelope, the body's bytes are untouched, and it decodes to the same facts."""
    data = encode_entry(home.event(7, body=b'{"z":1,"a":[1,2]}'), 99)
    document = json.loads(data)
    assert list(document) == sorted(document)
    assert b'"body":{"z":1,"a":[1,2]}' in data
    assert document["class"] == "trace"
    entry = decode_entry(data)
    assert (entry.v, entry.kind, entry.seq, entry.ingested_at) == (ENTRY_VERSION, EntryKind.ACCESS, 7, 99)
    assert entry.id == entry_id("s1", home.now, 7) == f"s1/{home.now}/7"
    assert entry.retention_class is RetentionClass.TRACE
    assert entry.body == {"z": 1, "a": [1, 2]}


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"a":1.5}', b'{"a":1e3}', b'{"a":"\xff"}', b'{"a":1}x', b'"text"', b"\x00"]
)
def test_a_body_that_is_no_object_of_integers_is_refused(home, body):
    """Fractions, other types, bad UTF-8 and rubbish never enter the ledger."""
    with pytest.raises(EntryError, match="s1/"):
        encode_entry(home.event(1, body=body), 0)


def test_a_newer_version_asks_for_an_upgrade(home):
    """What this program does not know it does not guess."""
    data = encode_entry(home.event(1), 0)
    for altered in (data.replace(b'"v":1', b'"v":2'), data.replace(b'"access"', b'"novelty"'), b"{}"):
        with pytest.raises(EntryError, match="pgrade"):
            decode_entry(altered)

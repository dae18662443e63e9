"""Entries that the ledger writes by itself."""

from quivive.ledger.entry import decode_entry
from quivive.ledger.own import as_gap
from quivive.model.access import GapCause
from quivive.model.entry import EntryKind
from quivive.model.ids import OPERATOR


def test_a_gap_stands_in_under_the_same_number(home):
    """Source, epoch and number are kept; nothing of the unreadable body is."""
    event = home.event(9, body=b'{"name":"Dupont"')
    entry = decode_entry(as_gap(event, home.now, known=True).data)
    assert (entry.kind, entry.source, entry.epoch, entry.seq) == (EntryKind.GAP, "s1", home.now, 9)
    assert entry.body == {"cause": GapCause.CODEC, "from_at": home.now, "lost": 1, "of": "s1", "to_at": home.now}
    assert entry.controller == "aurore"
    assert decode_entry(as_gap(event, home.now, known=False).data).controller == OPERATOR

"""Claims on the roster: a shift is a person, two instants and nothing that measures work."""

import dataclasses

import pytest

from quivive.contacts.roster import RosterContext, map_shift
from quivive.model.clock import HOUR_US
from quivive.model.contact import ShiftBody
from quivive.privacy.pseudonym import person_key, shift_key
from quivive.rows import FieldError, Row

KEY = b"o" * 32
CONTEXT = RosterContext(source="wfm", operator_agent_key=KEY)
ROW = {"id": 5, "version": 1, "agent": "hr-7", "from": "2026-11-22T22:00:00+01:00", "to": "2026-11-23T06:00:00+01:00"}


def test_a_shift_across_midnight():
    """Both instants are UTC, person and shift are pseudonyms stable across sendings."""
    body = map_shift(Row(dict(ROW)), CONTEXT)
    assert body.to_at - body.from_at == 8 * HOUR_US
    assert (body.person, body.shift) == (person_key(KEY, "hr-7"), shift_key(KEY, "wfm", "5"))
    assert map_shift(Row({**ROW, "cancelled": True}), CONTEXT).cancelled


def test_a_shift_measures_nothing():
    """No activity, break, pause or score has a field (law reference §4)."""
    assert {f.name for f in dataclasses.fields(ShiftBody)} == {
        "shift", "version", "person", "from_at", "to_at", "cancelled",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"to": ROW["from"]}, "$.to"),
        ({"to": "2026-11-30T06:00:00Z"}, "$.to"),
        ({"agent": None}, "$.agent"),
        ({"break_minutes": 15}, "$"),
    ],
)
def test_a_wrong_field_is_named(change, field):
    """An empty, endless or ownerless shift is refused, and so is any measure of work."""
    with pytest.raises(FieldError) as caught:
        map_shift(Row({**ROW, **change}), CONTEXT)
    assert caught.value.field == field

"""An exhibit proves itself from its own bytes, after everything else is gone."""

import base64
import json

import pytest

from quivive.cases.exhibits import ExhibitError, Stretch, exhibit_of, find_accesses, verify_exhibit
from quivive.ledger.log import Ledger
from quivive.model.clock import DAY_US
from quivive.model.entry import EntryKind, SpoolEvent
from quivive.privacy.keyring import Keyring
from quivive.projection.columns import access_id

NOW = 1_795_000_000_000_000


def access(number, *, at, name):
    body = json.dumps({"access": name, "at": at, "part": 0}, sort_keys=True).encode()
    return SpoolEvent(
        kind=EntryKind.ACCESS, source="s1", epoch=NOW, seq=number, captured_at=at, controller="aurore", key_id="k1",
        body=body,
    )  # fmt: skip


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger.open(tmp_path, Keyring.create(tmp_path, ["aurore"]), {"aurore": 1}, "quivive.example/centre")
    opened.append([access(n, at=NOW + n, name=f"a{n}") for n in range(1, 8)], NOW)
    opened.append([access(n, at=NOW + DAY_US, name="a3") for n in (8, 9)], NOW)
    opened.publish(NOW, force=True)
    yield opened
    opened.close()


def found(ledger, wanted, *, to_at=NOW + DAY_US):
    stretch = Stretch(controller="aurore", from_at=NOW, to_at=to_at)
    return list(find_accesses(ledger, stretch, wanted))


def kept(ledger, entry):
    proof = ledger.proof(entry.shard, entry.index)
    return exhibit_of(proof, ledger.verifier_key(entry.shard).text)


def test_every_part_of_a_named_access_is_found_and_nothing_else(ledger):
    """By the projection's own id, on the days of the stretch."""
    one = access_id("s1", "a2", NOW + 2)
    parts = access_id("s1", "a3", NOW + DAY_US)
    assert [entry.index for entry in found(ledger, {one})] == [1]
    assert [entry.index for entry in found(ledger, {parts})] == [7, 8]
    assert found(ledger, {parts}, to_at=NOW) == []
    assert found(ledger, {"0" * 32}) == []


def test_an_exhibit_proves_itself_through_json_and_back(ledger):
    """Nothing of ours is needed but the public key it carries."""
    (entry,) = found(ledger, {access_id("s1", "a2", NOW + 2)})
    exhibit = json.loads(json.dumps(kept(ledger, entry)))
    verify_exhibit(exhibit)
    assert base64.b64decode(exhibit["event"]) == entry.data


@pytest.mark.parametrize("field", ["index", "salt", "event", "hashes", "note", "vkey"])
def test_an_altered_exhibit_does_not_hold(ledger, field):
    """Whatever part of it was touched."""
    (entry,) = found(ledger, {access_id("s1", "a2", NOW + 2)})
    exhibit = kept(ledger, entry)
    value = exhibit[field]
    if isinstance(value, int):
        exhibit[field] = value + 1
    elif isinstance(value, list):
        exhibit[field] = value[1:]
    else:
        exhibit[field] = value[:-4] + ("AAAA" if not value.endswith("AAAA") else "BBBB")
    with pytest.raises(ExhibitError):
        verify_exhibit(exhibit)
    with pytest.raises(ExhibitError):
        verify_exhibit({name: other for name, other in exhibit.items() if name != field})

"""Claims on a batch: order, numbers, refusals apart, encoded bodies sorted and without fractions."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from quivive.contacts.directory import DirectoryContext
from quivive.intake.batch import (
    IntakeKind,
    SourceFacts,
    count_events,
    encode_body,
    link_events,
    map_batch,
)
from quivive.model.access import Grade
from quivive.model.catalogue import Catalogue, Path, Table, TableKind
from quivive.model.entry import EntryKind
from quivive.model.gate import DRY_POLICY, CapturePolicy
from quivive.privacy.pseudonym import ControllerKeys
from quivive.privacy.subject import SubjectKeyer
from quivive.rows import DecodedRow, RowError, decode_rows

AT = 1_795_356_300_000_000  # 2026-11-22T14:05:00Z
KEYS = ControllerKeys(key_id="k1", record=b"r" * 32, agent=b"a" * 32)
CATALOGUE = Catalogue(
    controller="aurore",
    version=1,
    tables=(
        Table(name="public.customer", kind=TableKind.PERSON, key=("id",)),
        Table(name="public.orders", kind=TableKind.LINKED, key=("id",), path=Path(column="c", to="public.customer")),
    ),
    not_protected=(),
)
FACTS = SourceFacts(
    name="aurore-crm",
    namespace="crm",
    grade=Grade.B,
    controllers={"aurore": SubjectKeyer(keys=KEYS, catalogue=CATALOGUE, region="FR")},
    default="aurore",
    directory=DirectoryContext(operator_agent_key=b"o" * 32, controllers={"aurore": KEYS}),
    operator_key_id="k0",
)
KEEPS = CapturePolicy(active=True, informed={}, keep_unknown=True, service_accounts=())
ACCESS = {"id": 1, "at": "2026-11-22T14:05:00Z", "action": "read", "records": ["customer:2", "orders:3"]}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def rows(*values):
    return [DecodedRow(number=number, value=value) for number, value in enumerate(values)]


def numbers(tree):
    if isinstance(tree, dict):
        return [n for value in tree.values() for n in numbers(value)]
    if isinstance(tree, list):
        return [n for value in tree for n in numbers(value)]
    return [tree] if isinstance(tree, float) else []


def test_good_and_bad_rows_keep_their_numbers():
    """A refused row stands between two good ones without touching them."""
    good, refused = map_batch(IntakeKind.ACCESSES, FACTS, KEEPS, rows(ACCESS, {"id": 2}, {**ACCESS, "id": 3}), AT)
    assert [row.row for row in good] == [0, 2]
    assert refused == [
        RowError(
            row=1,
            field="$.at",
            expected="an RFC 3339 instant with an offset, for example 2026-11-22T14:05:00Z",
            found="nothing",
        )
    ]


@given(st.lists(st.one_of(st.just(ACCESS), JSON), max_size=8), st.sampled_from(list(IntakeKind)))
def test_no_json_stops_a_batch(values, kind):
    """Any JSON rows, for any kind: each is mapped or refused, and the good ones are all kept."""
    body = "\n".join(json.dumps(value) for value in values).encode()
    decoded = list(decode_rows("application/x-ndjson", body))
    good, refused = map_batch(kind, FACTS, KEEPS, decoded, AT)
    assert len(good) + len(refused) == len(decoded)
    if kind is IntakeKind.ACCESSES:
        assert len(good) >= sum(value == ACCESS for value in values)


def test_bodies_are_sorted_and_hold_integers_only():
    """The entry format: sorted keys, no fraction, no clear value."""
    ((row,), _) = map_batch(IntakeKind.ACCESSES, FACTS, KEEPS, rows(ACCESS), AT)
    (event,) = row.events
    decoded = json.loads(event.body)
    assert list(decoded) == sorted(decoded)
    assert numbers(decoded) == []
    assert (event.kind, event.controller, event.key_id, event.captured_at) == (EntryKind.ACCESS, "aurore", "k1", AT)


def test_digests_follow_source_kind_id_and_version():
    """The same contact in another version is another row; the same row twice is one."""
    call = {"id": "A-1", "version": 1, "kind": "call", "direction": "inbound", "started_at": "2026-11-22T14:05:00Z"}
    good, _ = map_batch(IntakeKind.CONTACTS, FACTS, KEEPS, rows(call, {**call, "version": 2}, call), AT)
    first, second, again = (row.digest for row in good)
    assert first == again != second


def test_an_unknown_controller_is_refused():
    """A source writes only for its own controllers."""
    _, refused = map_batch(IntakeKind.ACCESSES, FACTS, KEEPS, rows({**ACCESS, "controller": "Dupont"}), AT)
    assert (refused[0].field, refused[0].found) == ("$.controller", "string")


def test_directory_and_roster_belong_to_the_operators_log():
    """Their day is the day they were told; the identity stands apart from the event."""
    person = {
        "id": "hr-1", "version": 1, "name": "Camille Dupont", "employer": "q", "establishment": "l", "country": "FR",
    }  # fmt: skip
    shift = {"id": 1, "version": 1, "agent": "hr-1", "from": "2027-01-01T08:00:00Z", "to": "2027-01-01T16:00:00Z"}
    ((agent,), _) = map_batch(IntakeKind.DIRECTORY, FACTS, DRY_POLICY, rows(person), AT)
    ((planned,), _) = map_batch(IntakeKind.ROSTER, FACTS, DRY_POLICY, rows(shift), AT)
    for row, kind in ((agent, EntryKind.DIRECTORY_AGENT), (planned, EntryKind.ROSTER_SHIFT)):
        (event,) = row.events
        assert (event.kind, event.controller, event.key_id, event.captured_at) == (kind, "operator", "k0", AT)
    assert agent.identity is not None
    assert b"Dupont" not in agent.events[0].body


def test_dry_rows_become_counts():
    """Two rows of one minute and shape are one `access.count` event, and nothing else."""
    good, _ = map_batch(IntakeKind.ACCESSES, FACTS, DRY_POLICY, rows(ACCESS, {**ACCESS, "id": 2}), AT)
    assert all(not row.events and not row.links for row in good)
    (event,) = count_events(good)
    assert (event.kind, json.loads(event.body)["statements"]) == (EntryKind.ACCESS_COUNT, 2)


def test_links_are_events_of_their_own():
    """The order and its customer are tied by hashes."""
    ((row,), _) = map_batch(IntakeKind.ACCESSES, FACTS, KEEPS, rows(ACCESS), AT)
    (event,) = link_events(row.links)
    assert event.kind is EntryKind.LINK
    assert set(json.loads(event.body)) == {"left", "left_kind", "right", "right_table"}


def test_a_body_is_encoded_with_sorted_keys():
    """The bytes of a body do not depend on the order of its fields."""
    assert encode_body({"b": 1, "a": 2}) == b'{"a":2,"b":1}'


def test_a_second_source_is_told_apart():
    """Another source tells the same accesses: own kind, same body, and no counts beside it."""
    second = replace(FACTS, second=True)
    ((own,), _), ((other,), _) = (
        map_batch(IntakeKind.ACCESSES, facts, KEEPS, rows(ACCESS), AT) for facts in (FACTS, second)
    )
    assert [event.kind for event in own.events] == [EntryKind.ACCESS]
    assert [event.kind for event in other.events] == [EntryKind.ACCESS_SECOND]
    assert [event.body for event in own.events] == [event.body for event in other.events]
    (dry,), _ = map_batch(IntakeKind.ACCESSES, second, DRY_POLICY, rows(ACCESS), AT)
    assert (dry.events, dry.count) == ((), None)

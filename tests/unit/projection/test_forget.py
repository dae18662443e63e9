"""Forgetting: a day, an access, a controller; nothing of it is left in a form that can be decoded, others stay."""

from dataclasses import replace

import pytest
from decoding import find_keys, found_keys
from hearing_bodies import ANSWER, FOUND, HEARD, RECORDED
from traces import CUSTOMER, PHONE, SECOND, Shards, access, contact, event, key, link

from quivive.model.clock import DAY_US, Micros, utc_day
from quivive.model.entry import EntryKind, RetentionClass
from quivive.model.recording import ObjectionBody, ObjectionChannel, SeedBody
from quivive.projection.columns import access_id
from quivive.projection.projection import Projection
from quivive.projection.query import Scope

T0 = 1_780_012_800 * SECOND  # 2026-05-29T00:00:00Z
DAY, NEXT = "20260529", "20260530"
SCOPE = Scope(controllers=("aurore", "boreal"), from_at=T0 - DAY_US, to_at=T0 + 9 * DAY_US, purpose="t", principal="p")


def customers(day, count=40):
    return [f"{day}-customer-{n}" for n in range(count)]


def story(controller="aurore"):
    found = []
    for number, day in enumerate((DAY, NEXT)):
        at = T0 + number * DAY_US
        for n, customer in enumerate(customers(day)):
            found.append(access(f"{day}-{n}", at + n * SECOND, [(CUSTOMER, customer)], controller=controller))
    found.append(contact("talk", at=T0 + 5, started_at=T0 + 5, subjects=[("phone", "old-phone")]))
    found.append(contact("ticket", at=T0 + 6, started_at=T0 + 6, subjects=[("phone", "ticket-phone")]))
    found.append(contact("ticket", at=T0 + DAY_US, version=2, started_at=T0 + 6, subjects=[("phone", "ticket-phone")]))
    return found


def keys(day):
    return [key(customer) for customer in customers(day)]


def count(projection):
    """Accesses, hot and sealed."""
    cursor = projection.cursor()
    found = cursor.execute("SELECT COUNT(*) FROM access").fetchone()[0]
    files = projection.sealed.files("access", SCOPE.controllers, SCOPE.from_at, SCOPE.to_at)
    if files:
        found += cursor.execute("SELECT COUNT(*) FROM read_parquet($1)", [files]).fetchone()[0]
    cursor.close()
    return found


@pytest.mark.parametrize("sealed", [False, True])
def test_a_purged_day_leaves_no_key_behind(projection, sealed):
    """All keys found before by decoding; after purge and rewriting none, in no page; the next day is whole."""
    projection.apply(Shards().durable(story()))
    if sealed:
        projection.seal(DAY, T0 + 3 * DAY_US)
    projection.rewrite()
    wanted = [*keys(DAY), key("old-phone")]
    assert found_keys(projection.folder, wanted).keys() >= set(wanted)
    projection.purge_day("aurore", DAY)
    assert projection.left_of_day("aurore", DAY, RetentionClass.TRACE) == (0, 0)
    projection.rewrite()
    assert find_keys(projection.folder, wanted) == {}
    assert found_keys(projection.folder, keys(NEXT)).keys() >= set(keys(NEXT))
    assert found_keys(projection.folder, [key("ticket-phone")])
    assert count(projection) == 40


def test_deleted_rows_linger_until_the_file_is_rewritten(projection):
    """Why the hot file is rewritten: the deletion alone leaves keys in its pages, and the search sees them."""
    projection.apply(Shards().durable(story()))
    projection.rewrite()
    projection.purge_day("aurore", DAY)
    lingering = find_keys(projection.folder, keys(DAY))
    projection.rewrite()
    assert lingering
    assert find_keys(projection.folder, keys(DAY)) == {}


def test_copies_set_aside_go_with_the_purge(projection):
    """A quarantine holds what was purged elsewhere."""
    shards = Shards()
    projection.apply(shards.durable(story()))
    projection.reset()
    projection.apply(Shards().durable(story()))
    projection.purge_day("aurore", DAY)
    assert not list(projection.folder.glob("quarantine-*"))


@pytest.mark.parametrize("sealed", [False, True])
def test_one_access_is_forgotten_hot_or_sealed(projection, sealed):
    """The day's files are written again without it; the others of the day stay."""
    projection.apply(Shards().durable(story()))
    if sealed:
        projection.seal(DAY, T0 + 3 * DAY_US)
    one = customers(DAY)[7]
    place = ("aurore", access_id("db", f"{DAY}-7", T0 + 7 * SECOND), T0 + 7 * SECOND)
    hot, files = projection.left_of_access(*place)
    assert (bool(hot), files) == (not sealed, int(sealed))
    projection.forget_access(*place)
    assert projection.left_of_access(*place) == (0, 0)
    projection.rewrite()
    assert find_keys(projection.folder, [key(one)]) == {}
    others = [each for each in keys(DAY) if each != key(one)]
    assert found_keys(projection.folder, others).keys() >= set(others)
    assert count(projection) == 79
    projection.close()
    again = Projection.open(projection.folder)
    assert count(again) == 79
    again.close()


def test_a_controller_is_forgotten_and_another_is_not(projection):
    """End of contract: every row and file of one, none of the other."""
    shards = Shards()
    projection.apply(shards.durable([*story(), *story("boreal")]))
    projection.seal(DAY, T0 + 3 * DAY_US)
    projection.forget_controller("aurore")
    assert projection.left_of_controller("aurore") == (0, 0)
    assert projection.left_of_controller("boreal")[0] > 0
    assert not (projection.folder / "sealed" / "aurore").exists()
    assert set(projection.watermark()) == {"boreal/202605"}


def test_a_link_seen_again_later_outlives_the_purge(projection):
    """The pair is told once a day: the purge of one day does not take what a later day still holds."""
    early, late = link("a", "b"), link("c", "d")
    shards = Shards()
    at = [T0 + 5, T0 + 5, T0 + DAY_US + 5]
    events = [type(e)(kind=e.kind, body=e.body, source=PHONE, at=t, controller="aurore")
              for e, t in zip((early, late, late), at, strict=True)]  # fmt: skip
    assert events[0].kind is EntryKind.LINK
    projection.apply(shards.durable(events))
    projection.purge_day("aurore", DAY)
    cursor = projection.cursor()
    assert cursor.execute("SELECT first_at, last_at FROM link").fetchall() == [(T0 + DAY_US, T0 + DAY_US + 5)]
    cursor.close()


def test_a_kill_during_the_rewriting_leaves_one_whole_file(projection, monkeypatch):
    """The copy beside is thrown away at the next start."""
    projection.apply(Shards().durable(story()))
    before = count(projection)

    def killed(path):
        raise KeyboardInterrupt(path)

    monkeypatch.setattr("quivive.projection.projection.sync", killed)
    with pytest.raises(KeyboardInterrupt):
        projection.rewrite()
    monkeypatch.undo()
    again = Projection.open(projection.folder)
    assert count(again) == before
    assert not list(projection.folder.glob("*.fresh*"))
    again.close()
    projection._connection = again._connection  # closed already: the fixture closes the same once more


def heard(day_at, mark):
    """An answer, a recording, a listening, an objection, a finding and a seed, told on one day."""
    ident, day = mark * 32, utc_day(Micros(day_at))
    bodies = [
        (EntryKind.RECORDING_ANSWER, replace(ANSWER, answer=ident, contact=ident)),
        (EntryKind.RECORDING, replace(RECORDED, recording=ident, contact=ident)),
        (EntryKind.LISTENING, replace(HEARD, listening=ident)),
        (EntryKind.OBJECTION, ObjectionBody(controller="aurore", contact=ident, objected_at=T0 + 9,
                                            channel=ObjectionChannel.KEY)),
        (EntryKind.NONCONFORMITY, replace(FOUND, nonconformity=ident, found_at=day_at)),
        (EntryKind.RECORDING_SEED, SeedBody(controller="aurore", campaign="c", day=day, commitment="0" * 64, seed="")),
    ]  # fmt: skip
    return [event(kind, body, source="pbx", at=day_at, controller="aurore") for kind, body in bodies]


@pytest.mark.parametrize(
    ("kept", "left"),
    [
        (RetentionClass.TRACE, {"nonconformity": 2, "recording_seed": 2}),
        (RetentionClass.GOVERNANCE, {"recording_answer": 2, "recording": 2, "listening": 2, "objection": 2}),
    ],
)
def test_what_was_heard_goes_with_the_day_of_its_entry(projection, kept, left):
    """However long ago the call was: rows of one class and one day go, those told the day after stay."""
    tables = ("recording_answer", "recording", "listening", "objection", "nonconformity", "recording_seed")
    projection.apply(Shards().durable([*heard(T0 + 5, "1"), *heard(T0 + DAY_US + 5, "2")]))
    assert projection.left_of_day("aurore", DAY, kept)[0] == len(tables) - len(left)
    projection.purge_day("aurore", DAY, kept)
    assert projection.left_of_day("aurore", DAY, kept) == (0, 0)
    cursor = projection.cursor()
    found = {table: cursor.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in tables}
    cursor.close()
    assert found == dict.fromkeys(tables, 1) | left


def test_a_recording_told_again_stays_until_its_last_day(projection):
    """The same version told on two days: the purge of the first takes nothing that the ledger still holds."""
    projection.apply(Shards().durable([*heard(T0 + DAY_US + 5, "1"), *heard(T0 + 5, "1")]))
    projection.purge_day("aurore", DAY)
    cursor = projection.cursor()
    assert cursor.execute("SELECT COUNT(*) FROM recording").fetchone()[0] == 1
    cursor.close()

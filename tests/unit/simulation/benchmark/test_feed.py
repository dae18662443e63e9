"""The labelled feed: what is written is read again, and what is not as documented is named."""

import json
from pathlib import Path

import pytest

from quivive.simulation.benchmark.feed import FeedError, read_feed, write_feed
from quivive.simulation.benchmark.generate import Options, generate
from quivive.simulation.benchmark.misuse import Plan

SAMPLE = Path(__file__).parents[4] / "bench" / "labelled-sample"
MISUSE = Plan(scenario=1, mode="idle", per_day=5, from_day=0, days=1)


def contents(folder):
    """Bytes by file."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def feed():
    """The centre of the sample."""
    return generate(Options(seed=3, days=1, agents=3, controllers=1), [MISUSE])


def test_a_feed_survives_the_round_trip(feed, tmp_path):
    """Written, read, written: the same bytes."""
    write_feed(feed, tmp_path / "a")
    write_feed(read_feed(tmp_path / "a"), tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_the_sample_is_what_its_seed_gives(feed, tmp_path):
    """The same options give the same bytes, those of bench/labelled-sample."""
    write_feed(feed, tmp_path)
    assert contents(tmp_path) == contents(SAMPLE)


def test_the_sample_is_small():
    """Everybody who clones pays for it."""
    assert sum(map(len, contents(SAMPLE).values())) <= 300_000


def test_misuse_changes_nothing_of_the_ordinary_work(feed):
    """Without its labelled accesses the feed is that of the same seed without a campaign."""
    plain = generate(Options(seed=3, days=1, agents=3, controllers=1))
    own = {label.access for label in feed.labels if label.campaign}

    def ordinary(rows, apart):
        return sorted((r.value["at"], r.value["agent"], r.value["records"]) for r in rows if r.value["id"] not in apart)

    assert len(own) == 5
    assert ordinary(feed.rows["accesses"], own) == ordinary(plain.rows["accesses"], set())
    assert feed.rows["contacts"] == plain.rows["contacts"]


def test_no_row_tells_the_truth(feed):
    """Neither a campaign nor a reason stands in what detectors read."""
    for row in feed.rows["accesses"]:
        assert not {"campaign", "why", "label"} & row.value.keys()


def changed(folder, file, change):
    """Rewrite the first line of a file."""
    path = folder / file
    first, *others = path.read_bytes().split(b"\n")
    value = json.loads(first)
    change(value)
    path.write_bytes(b"\n".join([json.dumps(value).encode(), *others]))


@pytest.mark.parametrize(
    ("file", "change", "field"),
    [
        ("accesses.ndjson", lambda v: v.update(source="nobody"), "source"),
        ("accesses.ndjson", lambda v: v.update(source="telephony"), "source"),
        ("contacts.ndjson", lambda v: v.update(received_at="yesterday"), "received_at"),
        ("contacts.ndjson", lambda v: v.pop("received_at"), "received_at"),
        ("labels.ndjson", lambda v: v.update(campaign="M1", why="E1"), "why"),
        ("labels.ndjson", lambda v: v.update(access="none"), "access"),
        ("labels.ndjson", lambda v: v.update(reason="E1"), "$"),
        ("campaigns.ndjson", lambda v: v.update(agent="RH-9999"), "agent"),
        ("campaigns.ndjson", lambda v: v.update(per_day="5"), "$.per_day"),
    ],
)
def test_what_is_not_as_documented_is_named(feed, tmp_path, file, change, field):
    """File, line and field of the first wrong place."""
    write_feed(feed, tmp_path)
    changed(tmp_path, file, change)
    with pytest.raises(FeedError) as caught:
        read_feed(tmp_path)
    assert (caught.value.file, caught.value.line, caught.value.field) == (file, 1, field)


@pytest.mark.parametrize(("old", "new"), [("labelled-feed", "other"), ('"version": 1', '"version": 2')])
def test_another_format_or_version_is_refused(feed, tmp_path, old, new):
    """Never read on a guess."""
    write_feed(feed, tmp_path)
    meta = tmp_path / "meta.json"
    meta.write_text(meta.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(FeedError, match=r"meta\.json:1"):
        read_feed(tmp_path)


def test_damage_and_absence_are_named(feed, tmp_path):
    """A cut line, a missing file; rosters and links may be missing."""
    write_feed(feed, tmp_path)
    (tmp_path / "roster.ndjson").unlink()
    assert read_feed(tmp_path).rows["roster"] == []
    (tmp_path / "labels.ndjson").write_bytes(b'{"source": "crm')
    with pytest.raises(FeedError, match=r"labels\.ndjson:1.*damaged"):
        read_feed(tmp_path)
    (tmp_path / "contacts.ndjson").unlink()
    with pytest.raises(FeedError, match=r"contacts\.ndjson"):
        read_feed(tmp_path)

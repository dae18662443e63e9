"""The same feed twice, shuffled or in pieces gives the same final rows (contact-centre reference §8 item 1)."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mapping_support import NOW, MemoryIntake, preset, run

from quivive.connectors.carry import NDJSON, Translation, check_header
from quivive.connectors.dry_run import throwaway_facts
from quivive.connectors.reading.files import read_file
from quivive.model.catalogue import Catalogue, Table, TableKind
from quivive.settings import ControllerSettings, OperatorSettings, Settings, SourceKind, SourceSettings

HEAD = "Call ID;Agent;Answered;Talk;Caller;Record"
START = datetime(2026, 11, 22, 7, tzinfo=UTC)


def installation(home, sources):
    """Settings of one controller with one table."""
    catalogue = Catalogue(
        controller="aurore",
        version=1,
        tables=(Table(name="public.customer", kind=TableKind.PERSON, key=("id",), alternates=(), path=None),),
        not_protected=(),
    )
    controller = ControllerSettings(
        id="aurore",
        name="Aurore",
        slot=1,
        catalogue=catalogue,
        timezone="Europe/Paris",
        default_region="FR",
        lateness_s=900,
        contact_sources=("calls",),
        retention_days={"trace": 365},
    )
    return Settings(
        home=home,
        operator=OperatorSettings(name="Centre", origin="centre.example/quivive"),
        controllers={"aurore": controller},
        sources=sources,
    )


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    """Facts of a source, its keys thrown away afterwards."""
    source = SourceSettings(
        kind=SourceKind.FILES, controller="aurore", namespace="telephony", path="in", mapping="queue-calls"
    )
    return throwaway_facts(installation(tmp_path_factory.mktemp("home"), {"calls": source}), "calls")


def final(facts, *files):
    """Final rows after some files, in order, through one life of a translator."""
    feed, intake = preset("queue-calls"), MemoryIntake(facts)
    for data in files:
        reading = read_file(data, feed.format)
        check_header(feed.format, reading)
        translation = Translation(feed, reading, NOW)
        for batch in translation.batches(closing=True):
            run(intake.take(kind=batch.kind, source="calls", content_type=NDJSON, body=batch.body))
        assert not translation.refused
    return intake.final


LINES = st.lists(
    st.tuples(
        st.integers(1, 6), st.integers(4100, 4103), st.integers(0, 200), st.integers(0, 90), st.integers(0, 9)
    ).map(
        lambda row: ";".join(
            [
                f"C-{row[0]}",
                str(row[1]),
                (START + timedelta(minutes=row[2])).strftime("%d/%m/%Y %H:%M:%S"),
                str(row[3]),
                f"01 99 00 00 0{row[4]}",
                f"customer:{row[4]}",
            ]
        )
    ),
    min_size=1,
    max_size=14,
)


def csv(lines):
    """A file of these lines."""
    return ("\r\n".join([HEAD, *lines]) + "\r\n").encode("cp1252")


@settings(max_examples=60, deadline=None)
@given(lines=LINES, seed=st.integers(0, 2**16), cuts=st.sets(st.integers(1, 13), max_size=3))
def test_twice_shuffled_and_split_give_the_same_final_rows(facts, lines, seed, cuts):
    """Legs of one call on several rows and in several files, in any order, any of them twice."""
    whole = final(facts, csv(lines))
    shuffled = random.Random(seed).sample(lines, len(lines))
    edges = [0, *sorted(cut for cut in cuts if cut < len(lines)), len(lines)]
    pieces = [csv(shuffled[a:b]) for a, b in pairwise(edges) if b > a]
    assert final(facts, csv(shuffled)) == whole
    assert final(facts, csv(lines), csv(lines)) == whole
    assert final(facts, *pieces, *reversed(pieces)) == whole

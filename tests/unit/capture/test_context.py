"""What the connections of one relay share."""

import asyncio

import pytest
from example_catalogue import KEYS, SNAPSHOT
from relay_parts import START_AT, make_context

from quivive.capture import context as module
from quivive.capture.statements import Known
from quivive.model.access import GapCause, LinkBody
from quivive.model.entry import EntryKind
from quivive.wire.fields import Field


def link(number: int) -> LinkBody:
    return LinkBody(left=f"{number:032x}", left_kind="phone", right="ab" * 16, right_table="public.customer")


def test_names_are_unique_within_the_source() -> None:
    """Accesses and sessions of one epoch never share a name."""
    context, _ = make_context()
    assert context.next_access() == "ff-1"
    assert context.next_access() == "ff-2"
    assert context.next_session() != context.next_session()


def test_a_lost_entry_becomes_a_gap() -> None:
    """What the spool refuses is counted, and told as one gap when the disk is back."""
    context, spool = make_context()
    spool.full = True
    for _ in range(3):
        assert context.append(EntryKind.HEARTBEAT, b"{}") == 0
    assert context.blind
    context.settle_losses()
    assert context.blind
    spool.full = False
    context.settle_losses()
    assert not context.blind
    (gap,) = spool.bodies(EntryKind.GAP)
    assert (gap["cause"], gap["lost"]) == (GapCause.SPOOL_FULL.value, 3)
    assert START_AT <= gap["from_at"] <= gap["to_at"]


def test_a_link_is_told_once_and_again_when_it_was_lost() -> None:
    """Links are deduplicated, but one that did not reach the spool is not remembered as told."""
    context, spool = make_context()
    spool.full = True
    context.link(link(1))
    spool.full = False
    context.link(link(1))
    context.link(link(1))
    assert len(spool.bodies(EntryKind.LINK)) == 1


def test_links_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory of links forgets the oldest."""
    monkeypatch.setattr(module, "MAX_LINKS", 100)
    context, spool = make_context()
    for number in [*range(105), 104, 0]:
        context.link(link(number))
    assert len(context._links) == 100
    assert len(spool.bodies(EntryKind.LINK)) == 106  # the newest was remembered, the oldest told again


PATH = SNAPSHOT.search_path


class Answers:
    """A side that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def fields_of(
        self, known: Known, index: int, types: tuple[int, ...], path: tuple[str, ...] | None = None
    ) -> tuple[Field, ...] | None:
        self.asked += 1
        await asyncio.sleep(0)
        return (Field("id", 1, 1, 20),)


def test_a_shape_is_described_once() -> None:
    """Connections that need the same description share one question."""

    async def main() -> None:
        side = Answers()
        context, _ = make_context(side=side)
        known = context.statements.known(b"select id from customer", whole=True)
        first, second = context.describe(known, 0, (), PATH), context.describe(known, 0, (), PATH)
        assert first is second
        await context.quiesce()
        assert side.asked == 1
        assert known.shape.described[0, PATH] == (Field("id", 1, 1, 20),)

    asyncio.run(main())


def test_an_unseen_text_is_not_described() -> None:
    """Nobody is asked about a text that was cut, or without a side connection."""
    context, _ = make_context()
    assert context.describe(context.statements.known(b"select 1", whole=True), 0, (), PATH) is None
    assert context.keys is KEYS

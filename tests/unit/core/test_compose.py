"""Claims about quivive.core.compose: the web's only door, filled with the real parts."""

import asyncio

import pytest

from quivive.core.compose import services
from quivive.model.errors import RefusedError
from quivive.privacy.pseudonym import record_key


def test_a_record_becomes_the_key_that_capture_writes(core):
    """`customer:2` is found under the pseudonym of table and canonical key; a phone under its own kind."""

    async def look(parts):
        door = services(parts)
        return door.subject_keys("aurore", "record", "customer:2"), door.subject_keys(
            "aurore", "phone", "06 39 98 00 02"
        )

    record, phone = core.parts(look)
    assert record == (record_key(core.keyring.controller_keys("aurore"), "public.customer", "2"),)
    assert len(phone[0]) == 32


@pytest.mark.parametrize(
    ("controller", "kind", "text", "code"),
    [
        ("boreal", "record", "customer:2", "controller_unknown"),
        ("aurore", "iban", "FR76", "identity_kind_unknown"),
        ("aurore", "phone", "nobody", "subject_unreadable"),
    ],
)
def test_what_cannot_be_searched_is_refused_by_code(core, controller, kind, text, code):
    """A code, never the value."""

    async def look(parts):
        return services(parts).subject_keys(controller, kind, text)

    with pytest.raises(RefusedError) as caught:
        core.parts(look)
    assert caught.value.code == code
    assert text not in str(caught.value)


def test_readiness_follows_the_verdicts(core):
    """Not ready before the first judgement, while rebuilding or while the disk refuses."""

    async def look(parts):
        ready = services(parts).ready
        answers = [await ready()]
        core.start()
        until = asyncio.get_running_loop().time() + 10
        while not core.pipeline.state.judged_at and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.05)
        answers.append(await ready())
        core.pipeline.state.storage_failing_since = 1
        answers.append(await ready())
        core.pipeline.state.storage_failing_since = 0
        core.pipeline.request_rebuild()
        answers.append(await ready())
        return answers

    assert core.parts(look) == [False, True, False, False]


def test_facts_and_heads_come_from_the_parts(core):
    """Controllers with an example of a record, heads of every log."""
    core.start()
    core.pipeline.stop()
    core.started = False

    async def look(parts):
        door = services(parts)
        return door.controllers, await door.heads()

    facts, heads = core.parts(look)
    assert [(f.id, f.record_example, f.identity_kinds) for f in facts] == [("aurore", "customer:2", ("phone",))]
    assert all(head.published <= head.entries for head in heads)

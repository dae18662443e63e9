"""The doctor tells by what means agents are named, below what share it hurts, and the cheapest change."""

import asyncio

import pytest

from quivive.core.control import ControlServer, core_socket
from quivive.core.init import initialise
from quivive.detection.applications import AttributionFix
from quivive.doctor.attribution import ADVICE, check_attribution
from quivive.doctor.finding import Level
from quivive.settings import load_settings


@pytest.fixture
def settings(tmp_path):
    initialise(tmp_path / "h", operator="Centre", origin="centre.example/q", language="en")
    return load_settings(tmp_path / "h")


def check(settings, applications):
    async def answer(request):
        assert request["days"] == 7
        return {"applications": applications}

    async def run():
        server = ControlServer(core_socket(settings.home), {"attribution": answer}, {})
        await server.start()
        try:
            return await check_attribution(settings, 7)
        finally:
            await server.stop()

    return asyncio.run(run())


def application(program, permille, fix="", **means):
    return {
        "source": "db", "program": program, "account": "", "statements": sum(means.values()), "permille": permille,
        "means": means, "fix": fix,
    }  # fmt: skip


def test_what_is_below_the_threshold_stands_first(settings):
    """Share, means by size, advice; 99.5 of a hundred is enough (law T-02)."""
    found = check(
        settings,
        [
            application("crm", 995, session_variable=995, none=5),
            application("erp", 250, "set_at_checkout", none=3, session_variable=1),
        ],
    )
    assert [(each.about, each.level) for each in found] == [("db · erp", Level.WARN), ("db · crm", Level.OK)]
    assert found[0].found == "25.0 % of 4 statements with an agent (none 75.0 %, session_variable 25.0 %)"
    assert "every checkout" in found[0].advice


def test_nothing_seen_and_no_core(settings):
    """Neither is a clean bill."""
    assert [each.level for each in check(settings, [])] == [Level.NOTE]
    assert [each.level for each in asyncio.run(check_attribution(settings, 7))] == [Level.FAIL]


def test_every_fix_has_its_advice():
    """A new fix without words is no help."""
    assert set(ADVICE) | {AttributionFix.NONE} == set(AttributionFix)

"""The doctor on retention: red for what is overdue or not complete, silent when no core answers."""

import asyncio
from pathlib import Path

import pytest

from quivive.core.control import CoreUnreachableError
from quivive.doctor import retention
from quivive.doctor.finding import Level

STORE = {
    "store": "hot", "controller": "aurore", "retention_class": "trace", "declared_days": 365,
    "oldest": "2025-01-01T00:00:00.000000Z", "overdue": True, "held": "",
}  # fmt: skip


class Settings:
    """All that the check reads of it."""

    home = Path("nowhere")


def findings(monkeypatch, answer):
    async def ask(path, command):
        assert command == "retention-look"
        if answer is None:
            raise CoreUnreachableError("no core")
        return answer

    monkeypatch.setattr(retention, "ask", ask)

    async def gather():
        return [each async for each in retention.check_retention(Settings())]

    return asyncio.run(gather())


@pytest.mark.parametrize(
    ("answer", "levels"),
    [
        ({"stores": [STORE], "incomplete": 0}, [Level.FAIL]),
        ({"stores": [{**STORE, "overdue": False}], "incomplete": 2}, [Level.FAIL]),
        ({"stores": [{**STORE, "overdue": False}], "incomplete": 0}, [Level.OK]),
        (None, []),
    ],
)
def test_what_is_kept_too_long_is_red(monkeypatch, answer, levels):
    """One finding for each store that contradicts what was declared."""
    assert [each.level for each in findings(monkeypatch, answer)] == levels

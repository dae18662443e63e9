"""Claims about quivive.core.coverage_commands: the report is asked by its owner, recorded, and names nobody."""

import asyncio

import pytest

from quivive.core.coverage_commands import coverage_commands
from quivive.model.entry import ActKind
from quivive.model.errors import RefusedError


class Parts:
    """What the handler needs of the composed parts."""

    def __init__(self, rows):
        self.rows, self.acts = rows, []
        self.settings, self.projection = self, self
        self.controllers = {"aurore": None}

    def clock(self):
        return 10**15

    def query(self, scope, name, params):
        assert (scope.controllers, name, params) == (("aurore",), "coverage_reasons", {})
        return self.rows

    async def record_act(self, body):
        self.acts.append(body)


SHARE = {
    "section": "share", "controller": "aurore", "verdict": "explained", "strength": "weak", "template": "E2",
    "cause": "none", "exposures": 4,
}  # fmt: skip
FIX = {
    "section": "fix", "controller": "aurore", "code": "calls_without_customer", "source": "pbx", "detail": "q",
    "exposures": 4,
}  # fmt: skip


def test_the_report_is_an_act_and_an_answer():
    """Shares in thousandths, fixes by gain, one act with the company's id and a count."""
    parts = Parts([SHARE, FIX])
    told = asyncio.run(coverage_commands(parts)["coverage-report"]({"controller": "aurore", "days": 7}))
    assert told["strengths"] == {"weak": 1_000}
    assert [fix["code"] for fix in told["fixes"]] == ["calls_without_customer"]
    (act,) = parts.acts
    assert (act.act, act.controllers, act.count) == (ActKind.VIEW_COVERAGE, ("aurore",), 2)


def test_an_unknown_company_is_refused():
    """And nothing is read."""
    with pytest.raises(RefusedError):
        asyncio.run(coverage_commands(Parts([]))["coverage-report"]({"controller": "boreal", "days": 7}))

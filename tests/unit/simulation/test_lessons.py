"""Claims of the demonstration's past: told once, removed with proof, a plan left to the visitor; invented sound."""

import asyncio
import io
import wave

from quivive.model.clock import DAY_US
from quivive.simulation.lessons import KEPT_DAYS, OVERDUE_DAYS, REMOVED_DAYS, Past
from quivive.simulation.sound import keep, wav
from quivive.simulation.staff import staff

NOW = 1_795_356_300_000_000


class FakeApi:
    def __init__(self):
        self.rows = {}

    def post(self, path, rows):
        self.rows[path] = rows


class FakeProduct:
    """Answers as the product does: what is past its limit is what lies in the folder from that time."""

    def __init__(self, folder, known=False):
        self.folder, self.known, self.asked = folder, known, []
        self.plans = []

    async def ask(self, command, **params):
        self.asked.append(command)
        if command == "recordings-demonstrate":
            self.answers = params["answers"]
            return {"written": 0 if self.known else 1}
        if command == "recordings-look":
            old = [each for each in self.folder.iterdir() if each.stat().st_mtime * 1e6 < NOW - 30 * DAY_US]
            return {"counts": [{"reason": "past_limit", "campaign": "accueil-demo", "count": len(old)}]}
        if command == "recordings-plan":
            self.plans.append({"plan": str(len(self.plans)), "agreement": "proposed"})
            return {"plan": self.plans[-1]["plan"]}
        if command == "recordings-approve":
            for each in self.folder.iterdir():
                each.unlink()
            self.plans[-1]["agreement"] = "done"
        return {"token": "t", "plans": self.plans, "certificates": [1]}


def test_a_past_with_a_certificate_and_a_plan_that_waits(tmp_path):
    """Three removed by two persons; of five that stay two are past their limit, and nobody has agreed to that."""
    product, api = FakeProduct(tmp_path), FakeApi()
    past = Past(ask=product.ask, api=api, folder=tmp_path, agents=staff(), now=NOW)
    assert asyncio.run(past.tell())
    assert [each["agreement"] for each in product.plans] == ["done", "proposed"]
    assert len(list(tmp_path.iterdir())) == len(OVERDUE_DAYS) + len(KEPT_DAYS)
    calls = {row["contact"] for row in api.rows["/v1/recordings"]}
    assert len(calls) == len(REMOVED_DAYS) + len(OVERDUE_DAYS) + len(KEPT_DAYS)
    assert {each["call"] for each in product.answers} == calls
    assert {row["contact"] for row in api.rows["/v1/listenings"]} < calls


def test_a_second_start_tells_nothing(tmp_path):
    """The campaign is there: no row, no plan, no file."""
    product, api = FakeProduct(tmp_path, known=True), FakeApi()
    assert not asyncio.run(Past(ask=product.ask, api=api, folder=tmp_path, agents=staff(), now=NOW).tell())
    assert (product.asked, api.rows, list(tmp_path.iterdir())) == (["recordings-demonstrate"], {}, [])


def test_each_call_has_a_tune_of_its_own(tmp_path):
    """Players read it; two calls never have the same content, or one would pass for a copy of the other."""
    with wave.open(io.BytesIO(wav("A1-1", 5))) as sound:
        assert sound.getnframes() / sound.getframerate() == 5
    assert wav("A1-1", 5) != wav("A1-2", 5)
    assert wav("A1-1", 5) == wav("A1-1", 5)
    path = keep(tmp_path, "A1-1", "2026-11-01T09:00:00Z", "2026-11-01T09:00:07Z")
    assert path.name == "20261101-090000-A1-1.wav"

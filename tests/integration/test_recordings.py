"""A campaign is announced, agents read the notice, calls are sampled, a manager listens outside the period: flagged.

A real `quivive serve` with its gate, asked over HTTP like an exchange asks, and a manager interface over a real socket
whose events have the shape of a real Asterisk's.
"""

import asyncio
import contextlib
import json
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from street_support import CONTROLLER, Street, until

from quivive.model.clock import DAY_US, HOUR_US, now_us, utc_day
from quivive.privacy.keyring import Keyring
from quivive.privacy.pseudonym import agent_key, contact_key, person_key
from quivive.recordings.sampling import commitment, draw
from quivive.simulation.database import free_port

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "connectors"))
from ami_switch import Switch, message

pytestmark = pytest.mark.integration
SECRET = "a-secret-of-the-test"
CALLS = 40
AGENT, LEADER = "4105", "4201"
SOURCES = """
[sources.pbx]
kind = "gate"
controller = "aurore"
namespace = "telephony"
listen = "127.0.0.1:{gate}"
heartbeat_s = 1

[sources.switch]
kind = "ami"
controller = "aurore"
namespace = "telephony"
target = "127.0.0.1:{switch}"
user = "quivive"
secret_file = "ami-secret"
heartbeat_s = 1
"""


class SwitchThread:
    """The scripted switch on a loop of its own."""

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.switch = Switch(SECRET)
        self._run(self.switch.__aenter__())
        return self

    def __exit__(self, *_):
        with contextlib.suppress(Exception):
            self._run(self.switch.__aexit__())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def send(self, *events):
        self.loop.call_soon_threadsafe(lambda: [self.switch.send(event) for event in events])


def campaign(name, periods, media, **changes):
    now = now_us()
    return {
        "campaign": name, "version": 1, "controller": "aurore", "purpose": "training", "media": media,
        "basis": "legitimate_interest", "legal_text": "", "necessity": "", "sites": ["lille"], "teams": [], "queues": [],
        "outbound_sale": False, "trigger": "sample", "from_at": now - 10 * DAY_US, "to_at": now + 5 * DAY_US,
        "periods": [{"from_at": begin, "to_at": end} for begin, end in periods], "share_permille": 500, "cap_month": 100,
        "listeners": [{"principal": "", "person": leader_key(changes.pop("home"))}], "retention_days": 30,
        "analysis_days": 365, "announcement": "v3", "announcement_sha256": "", "objection": True, "neutralisation": True,
        "payment": "paused", "wanted": [], "lead_us": 7 * DAY_US, "proposed_by": "evaluator-1", "approved_by": "dpo-1",
        "refusals": [], **changes,
    }  # fmt: skip


def leader_key(home):
    return person_key(Keyring.open(home).operator_agent_key, f"rh-{LEADER}")


def people(street):
    for module in ("access", "recordings"):
        for state in ("dry", "assessed", "consulted", "informed", "active"):
            street.ask(
                "gate-set", employer="qualis", establishment="lille", module=module, state=state, reference="PV-1",
                demonstration=True,
            )  # fmt: skip
    rows = [
        {
            "id": f"rh-{login}", "version": 1, "name": f"Personne {login}", "employer": "qualis",
            "establishment": "lille", "site": "lille", "country": "FR", "controllers": ["aurore"],
            "informed_at": "2026-01-01T00:00:00Z",
            "accounts": [{"controller": "aurore", "namespace": "telephony", "login": login}],
        }
        for login in (AGENT, LEADER)
    ]  # fmt: skip
    status, report = street.api("POST", "/v1/directory", rows, token="people")
    assert (status, report["accepted"]) == (200, 2)


def may_record(port, token, call):
    """As CURL() of the dialplan asks."""
    body = f"agent={AGENT}&queue=assistance&announced=v3&call={call}".encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/may_record", body, {"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.read().decode().split("\n")
    except urllib.error.HTTPError as error:
        return error.read().decode().split("\n")


def recorded(call, at):
    channel = {"Channel": f"PJSIP/{AGENT}-{call[-4:]}", "Uniqueid": f"{call}9", "Linkedid": call}
    return [
        message("MixMonitorStart", Timestamp=f"{at:.6f}", **channel),
        message("MixMonitorStop", Timestamp=f"{at + 2:.6f}", **channel),
    ]


def spied(at):
    spyer = {"SpyerChannel": f"PJSIP/{LEADER}-00000099", "SpyerUniqueid": f"{int(at)}.999"}
    spied = {
        "SpyeeChannel": f"PJSIP/{AGENT}-00000042",
        "SpyeeUniqueid": f"{int(at)}.42",
        "SpyeeLinkedid": f"{int(at)}.41",
    }
    return [
        message("ChanSpyStart", Timestamp=f"{at:.6f}", **spyer, **spied),
        message("ChanSpyStop", Timestamp=f"{at + 1:.6f}", **spyer, **spied),
    ]


def test_a_listening_outside_the_announced_period_is_put_to_the_manager():
    """And what was announced, sampled and allowed is no finding."""
    gate_port = free_port()
    with SwitchThread() as switch, Street() as street:
        street.main = street.main.replace("web_listen", "demonstration = true\nweb_listen")
        street.main += SOURCES.format(gate=gate_port, switch=switch.switch.port)
        street.write(
            controller=CONTROLLER.replace('["telephony"]', '["telephony", "switch"]').replace(
                "lateness_s = 5", "lateness_s = 3"
            )
        )
        (street.home / "ami-secret").write_text(SECRET, encoding="utf-8")
        street.start()
        street.issue_tokens()
        token = str(street.ask("token-issue", name="pbx", sources=["pbx"], roles=["integration"])["token"])
        people(street)
        now = now_us()
        street.settle()
        periods = {"coaching": (now - HOUR_US, now + HOUR_US), "ecoute": (now - 26 * HOUR_US, now - 24 * HOUR_US)}
        for name, media in (("coaching", ["recording"]), ("ecoute", ["listening"])):
            body = campaign(name, [periods[name]], media, home=street.home)
            answer = street.ask("recordings-demonstrate", campaign=body, read_at=now - 9 * DAY_US)
            assert answer["notices"] == 2
        try:
            until(lambda: may_record(gate_port, token, "1.1")[1] in ("permitted", "not_sampled"), 30)
        except AssertionError:
            print(street.output.read_text()[-4000:])
            raise
        assert may_record(gate_port, "another", "1.1")[:2] == ["deny", "token"]

        began = time.time() - 30
        answers = {
            f"{int(began)}.{number}": may_record(gate_port, token, f"{int(began)}.{number}") for number in range(CALLS)
        }
        allowed = [call for call, told in answers.items() if told[0] == "allow"]
        assert {told[1] for told in answers.values()} == {"permitted", "not_sampled"}
        until(lambda: switch.switch.sign_ins, 30)
        for call in allowed:
            switch.send(*recorded(call, began))
        switch.send(*spied(began))
        until(lambda: b"core.nonconformity" in street.output.read_bytes(), 60)
        time.sleep(12)  # one more round: nothing is found twice
        assert street.stop() == 0
        check(street, began, allowed)


def check(street, began, allowed):
    """What the ledger holds: every answer with its draw, every recording, one finding, put to the manager."""
    keys = Keyring.open(street.home).controller_keys("aurore")
    entries = {}
    for entry in street.entries():
        entries.setdefault(entry.kind, []).append(entry.body)
    answers = [body for body in entries["recording.answer"] if body["contact"] != contact_key(keys, "1.1")]
    assert len(answers) == CALLS
    assert {body["agent"] for body in answers} == {agent_key(keys, "telephony", AGENT)}
    recordings = {body["recording"] for body in entries["recording"]}
    assert len(recordings) == len(allowed)
    (finding,) = entries["nonconformity"]
    assert (finding["nonconformity_kind"], finding["medium"], finding["campaign"]) == (
        "outside_period",
        "listening",
        "ecoute",
    )
    assert finding["aimed_at"] == leader_key(street.home) != finding["person"]
    assert abs(finding["happened_at"] - began * 1_000_000) < 2
    day = utc_day(now_us())
    seeds = {body["campaign"]: body for body in entries["recording.seed"] if body["day"] == day}
    assert seeds["coaching"]["seed"] == ""
    lent = json.loads((street.home / "run" / "gate-lent.json").read_bytes())["seeds"]
    seed = bytes.fromhex(lent[f"aurore/coaching/{day}"])
    assert commitment(seed, "aurore", "coaching", day) == seeds["coaching"]["commitment"]
    assert all(draw(seed, body["contact"]) == body["draw"] for body in answers)
    assert all(body["allowed"] == (body["draw"] < 500) for body in answers)

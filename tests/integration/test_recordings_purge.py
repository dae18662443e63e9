"""Recordings end with proof, as a centre would see it: a real core, ten thousand files, a bucket, kill -9, verify.

Everything is typed as its user would: `quivive recordings …`, a sign-in link for the second person, the console's pages.
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from http.cookiejar import CookieJar
from pathlib import Path

import boto3
import msgspec
import pytest
from moto.server import ThreadedMotoServer

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from street_support import until

from quivive.model.clock import DAY_US, now_us
from quivive.model.entry import EntryKind
from quivive.model.recording import Medium, ObjectionBody, ObjectionChannel, Purpose, RecordingBody
from quivive.model.recording_register import CampaignBody, CampaignState, LegalBasis, Listener, Payment, Trigger
from quivive.privacy.keyring import Keyring
from quivive.privacy.pseudonym import contact_key, location_key, recording_key
from quivive.simulation.database import free_port
from quivive.spool import SpoolWriter

pytestmark = pytest.mark.integration

FILES = 10_000
MAIN = r"""
[operator]
name = "Centre"
origin = "centre.example/quivive"
web_listen = "127.0.0.1:{web}"

[sources.telephony]
kind = "contacts"
namespace = "telephony"

[audio.recorder]
kind = "folder"
path = "monitor"
name = '(?P<started>\d{{8}}-\d{{6}})-\d+-(?P<call>[\w.-]+)\.wav$'
backup_days = 7

[audio.archive]
kind = "s3"
endpoint = "{s3}"
bucket = "archive"
secret_file = "s3.secret"
name = '(?P<started>\d{{8}}-\d{{6}})-\d+-(?P<call>[\w.-]+)\.wav$'
"""
CONTROLLER = 'name = "Aurore"\nslot = 1\ncontact_sources = ["telephony"]\n'
SECONDS = 6
WAV = (
    b"RIFF" + (16_000 * SECONDS + 36).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    + bytes([1, 0, 1, 0]) + (8_000).to_bytes(4, "little") + (16_000).to_bytes(4, "little") + bytes([2, 0, 16, 0])
    + b"data" + (16_000 * SECONDS).to_bytes(4, "little") + bytes(16_000 * SECONDS)
)  # fmt: skip


class Centre:
    """A home, its stores and its core."""

    def __init__(self, home, s3):
        self.home, self.web = home, free_port()
        (home / "controllers").mkdir()
        (home / "monitor").mkdir()
        (home / "quivive.toml").write_text(MAIN.format(web=self.web, s3=s3))
        (home / "controllers" / "aurore.toml").write_text(CONTROLLER)
        (home / "s3.secret").write_text("access\nsecret\n")
        self.s3 = boto3.client(
            "s3", endpoint_url=s3, aws_access_key_id="access", aws_secret_access_key="secret", region_name="us-east-1"
        )  # fmt: skip
        self.s3.create_bucket(Bucket="archive")
        self.s3.put_bucket_versioning(Bucket="archive", VersioningConfiguration={"Status": "Enabled"})
        self.keyring = Keyring.create(home, ["aurore"])
        self.keys = self.keyring.controller_keys("aurore")
        self.process = None

    def name(self, days, number, call=""):
        at = time.time() - days * 86_400
        stamp = datetime.fromtimestamp(at, UTC).strftime("%Y%m%d-%H%M%S")
        return f"{stamp}-0199{number:06}-{call or f'c-{number}'}.wav", at

    def file(self, days, number, data=b"", call=""):
        name, at = self.name(days, number, call)
        path = self.home / "monitor" / f"{number % 50:02}" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data or os.urandom(600))
        os.utime(path, (at + 60, at + 60))
        return path

    def entries(self, source, *entries):
        """What other sources would have told, by their spool."""
        writer = SpoolWriter.open(self.home / "spool", source, now_us())
        for kind, body in entries:
            writer.append(
                kind=kind, captured_at=now_us(), controller="aurore", key_id="k1",
                body=msgspec.json.encode(body, order="sorted"),
            )  # fmt: skip
        writer.sync()
        writer.close()

    def start(self):
        with (self.home / "core.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "quivive", "--home", str(self.home), "core"], stdout=log, stderr=log
            )
        until(lambda: self.quivive("recordings", "purge", "status")["plans"] is not None, seconds=90, pause=0.5)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        self.process.wait(60)

    def quivive(self, *words, secret="", code=0, as_json=True):
        done = subprocess.run(
            [sys.executable, "-m", "quivive", "--home", str(self.home), *words, *(["--json"] if as_json else [])],
            capture_output=True, text=True, check=False, timeout=300, env=os.environ | {"QUIVIVE_SIGN_IN": secret, "LC_ALL": "C"},
        )  # fmt: skip
        assert done.returncode == code, (words, done.returncode, done.stdout[-500:], done.stderr[-500:])
        return json.loads(done.stdout) if as_json and done.stdout else done.stdout + done.stderr

    def link(self, principal, role):
        return self.quivive("sign-in-link", "--principal", principal, "--role", role)["link"]

    def sound(self):
        return sum(1 for path in (self.home / "monitor").rglob("*.wav"))


class Browser:
    """A person's browser without JavaScript: forms and links."""

    def __init__(self, centre, principal, role):
        self._base = f"http://127.0.0.1:{centre.web}"
        self._open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar())).open
        link = centre.link(principal, role)
        page = self.get(link.removeprefix(self._base))
        token = re.search(r'name="token" value="([^"]+)"', page)
        self.post("/sign-in", **({"token": token[1]} if token else {}), csrf=False)

    def get(self, path, **headers):
        return self._read(urllib.request.Request(self._base + path, headers=headers)).read().decode("utf-8", "replace")

    def bytes(self, path, **headers):
        answer = self._read(urllib.request.Request(self._base + path, headers=headers))
        return answer.status, dict(answer.headers), answer.read()

    def post(self, path, csrf=True, **fields):
        if csrf:
            fields["csrf"] = re.search(r'name="csrf" value="([^"]+)"', self.get("/recordings/playback"))[1]
        data = urllib.parse.urlencode(fields).encode()
        answer = self._read(urllib.request.Request(self._base + path, data=data, headers={"Origin": self._base}))
        self.at = answer.url.removeprefix(self._base)
        return answer.read().decode()

    def _read(self, request):
        return self._open(request, timeout=60)


@pytest.fixture(scope="module")
def centre():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with tempfile.TemporaryDirectory(prefix="qv") as folder:
        made = Centre(Path(folder), f"http://{host}:{port}")
        try:
            yield made
        finally:
            if made.process and made.process.poll() is None:
                made.kill()
            server.stop()


def campaign():
    now = now_us()
    return CampaignBody(
        campaign="quality-2026", version=1, state=CampaignState.ANNOUNCED, controller="aurore",
        purpose=Purpose.QUALITY, media=(Medium.RECORDING,), basis=LegalBasis.LEGITIMATE_INTEREST, legal_text="",
        necessity="", sites=(), teams=(), queues=(), outbound_sale=False, trigger=Trigger.SAMPLE,
        from_at=now - 400 * DAY_US, to_at=now + DAY_US, periods=(), share_permille=30, cap_month=5,
        listeners=(Listener(principal="eva"),), retention_days=30, analysis_days=365, announcement="v1",
        announcement_sha256="", objection=True, neutralisation=True, payment=Payment.NONE, wanted=(), lead_us=0,
        proposed_by="dpo", approved_by="eva", refusals=(), demonstration=False,
    )  # fmt: skip


def recording(centre, call, path, days):
    ended = int(now_us() - days * DAY_US)
    return RecordingBody(
        recording=recording_key(centre.keys, "pbx", call), version=1, controller="aurore", campaign="quality-2026",
        campaign_version=1, purpose="", answer="", contact=contact_key(centre.keys, call), agent="", person="",
        queue="q", started_at=ended - SECONDS * 1_000_000, ended_at=ended, call_ended_at=ended, segments=(),
        announced=True, media_sha256="", location=location_key(centre.keys, str(path)), size_bytes=0,
    )  # fmt: skip


def plans(centre):
    return centre.quivive("recordings", "purge", "status")


def test_recordings_expire_and_are_purged_with_proof(centre):
    """Ten thousand in one run, killed half-way and resumed; certified once; `quivive verify` accepts the ledger."""
    chance = random.Random(7)
    for number in range(FILES):
        centre.file(chance.uniform(200, 400), number)
    fresh, late = centre.file(3, 10_001, WAV, "live-1"), centre.file(29.9, 10_002, WAV, "live-2")
    gone = centre.file(90, 10_003, WAV, "live-3")
    centre.entries(
        "pbx",
        (EntryKind.RECORDING_CAMPAIGN, campaign()),
        *(
            (EntryKind.RECORDING, recording(centre, call, path, days))
            for call, path, days in (("live-1", fresh, 3), ("live-2", late, 29.9), ("live-3", gone, 90))
        ),
    )
    for number in range(20):
        centre.s3.put_object(Bucket="archive", Key=centre.name(300, number)[0], Body=os.urandom(900))
    centre.start()
    table = centre.home / "plan.csv"
    until(lambda: "being_written" not in str(centre.quivive("recordings", "adopt", "--dry-run")), seconds=120, pause=5)
    look = centre.quivive("recordings", "adopt", "--dry-run", "--csv", str(table))
    counts = {(each["campaign"], each["proposal"], each["reason"]): each["count"] for each in look["counts"]}
    assert counts == {
        ("", "purge", "past_limit"): FILES + 20,
        ("quality-2026", "keep", "within_limit"): 2,
        ("quality-2026", "purge", "past_limit"): 1,
    }
    lines = table.read_text().splitlines()
    assert len(lines) == FILES + 24
    assert not re.search(r"-0199\d{6}-|\.wav", table.read_text())
    assert centre.quivive("recordings", "purge", "run", "0" * 32, code=1, as_json=False)
    plan = centre.quivive("recordings", "purge", "plan", "--controller", "aurore")
    assert plan["to_remove"] == FILES + 21
    assert "plan_not_approved" in centre.quivive("recordings", "purge", "run", plan["plan"], code=1, as_json=False)
    approve = ("recordings", "purge", "approve", plan["plan"])
    centre.quivive(*approve, secret=centre.link("sec", "security"), code=1, as_json=False)
    assert centre.quivive(*approve, secret=centre.link("dpo", "dpo"))["state"] == "approved"
    until(lambda: centre.sound() < FILES // 2, seconds=120, pause=0.02)
    centre.kill()
    assert centre.sound() > 0
    centre.start()
    until(lambda: plans(centre)["plans"][0]["step"] == "finished", seconds=180, pause=1)
    assert sorted(path.name for path in (centre.home / "monitor").rglob("*.wav")) == sorted([fresh.name, late.name])
    assert "Versions" not in centre.s3.list_object_versions(Bucket="archive")
    told = plans(centre)
    assert {(each["rule"], each["campaign"], each["removed"]) for each in told["certificates"]} == {
        ("recording_retention_ended", "", FILES + 20),
        ("recording_retention_ended", "quality-2026", 1),
    }
    assert told["plans"][0]["agreement"] == "done"


def test_one_inside_its_limit_is_heard_and_written_down(centre):
    """Purpose and reason, ranges, seconds heard; no file to save; the sound of a recording past its limit never."""
    person = Browser(centre, "eva", "evaluator")
    listed = person.get("/recordings/playback")
    assert listed.count('type="radio"') == 2
    wanted = recording_key(centre.keys, "pbx", "live-1")
    asked = {"recording": wanted, "purpose": "quality", "reason": "coaching"}
    with pytest.raises(urllib.error.HTTPError):
        person.post("/recordings/playback", **{**asked, "reason": ""})
    page = person.post("/recordings/playback", **asked)
    assert wanted not in person.at
    assert "<audio" in page
    sound = person.at + "/sound"
    status, headers, data = person.bytes(sound, Range="bytes=0-32043")
    assert (status, len(data), headers["content-range"]) == (206, 32_044, f"bytes 0-32043/{len(WAV)}")
    assert data == WAV[:32_044]
    with pytest.raises(urllib.error.HTTPError) as refused:
        person.bytes(sound, **{"Sec-Fetch-Dest": "document"})
    assert refused.value.code == 403
    with pytest.raises(urllib.error.HTTPError) as refused:
        person.post(person.at + "/download")
    assert refused.value.code == 403
    closed = person.post(sound.removesuffix("/sound") + "/end")
    assert person.at == "/recordings/playback?heard=2"
    assert "2" in closed
    with pytest.raises(urllib.error.HTTPError) as refused:
        person.post("/recordings/playback", **{**asked, "recording": recording_key(centre.keys, "pbx", "live-3")})
    assert refused.value.code in (403, 404)
    other = Browser(centre, "eva-2", "evaluator")
    with pytest.raises(urllib.error.HTTPError) as refused:
        other.post("/recordings/playback", **asked)
    assert refused.value.code == 403
    with pytest.raises(urllib.error.HTTPError):
        other.bytes(sound)


def test_the_console_shows_plan_and_certificates(centre):
    """The page of the purge names counts, persons and certificates, and no recording."""
    page = Browser(centre, "dpo", "dpo").get("/recordings/purge")
    assert "10,020" in page or "10\u202f020" in page
    assert ".wav" not in page


def test_a_callers_objection_removes_at_once(centre):
    """Told by the switch while the core runs: gone within seconds, certified, nobody asked."""
    (path,) = (each for each in (centre.home / "monitor").rglob("*live-1.wav"))
    body = ObjectionBody(
        controller="aurore", contact=contact_key(centre.keys, "live-1"), channel=ObjectionChannel.KEY,
        objected_at=now_us(),
    )  # fmt: skip
    centre.entries("gate", (EntryKind.OBJECTION, body))
    until(lambda: not path.exists(), seconds=60, pause=0.2)
    until(lambda: plans(centre)["certificates"][0]["rule"] == "recording_objection", seconds=30, pause=0.5)


def test_the_ledger_with_its_certificates_verifies(centre):
    """Offline, after all that: whole, every certificate's entry included."""
    centre.stop()
    told = centre.quivive("verify", as_json=False)
    assert "verified" in told

"""A centre with recordings: a folder, a real projection, entries applied as the ledger would give them. No thread."""

import itertools
import os
from dataclasses import dataclass

import msgspec

from quivive.core.audio_desk import AudioDesk
from quivive.core.audio_keeping import AudioKeeping
from quivive.core.playback import Playbacks
from quivive.model.clock import DAY_US, MINUTE_US
from quivive.model.contact import ContactBody
from quivive.model.entry import EntryKind
from quivive.model.permission import Role
from quivive.model.recording import Medium, ObjectionBody, ObjectionChannel, Purpose, RecordingBody
from quivive.model.recording_register import CampaignBody, CampaignState, LegalBasis, Listener, Payment, Trigger
from quivive.privacy.keyring import Keyring
from quivive.privacy.pseudonym import contact_key, location_key, recording_key
from quivive.projection.projection import Projection
from quivive.settings import load_settings
from quivive.vault import Principal

NOW = 1_795_356_300_000_000
MAIN = r"""
[operator]
name = "Centre"
origin = "centre.example/quivive"

[audio.recorder]
kind = "folder"
path = "monitor"
name = '-(?P<call>[A-Z]-\d+)\.(wav|mp3)$'
backup_days = 5
"""
CONTROLLER = """
name = "Aurore"
slot = {slot}
"""


@dataclass
class Line:
    """One entry as the projection reads it."""

    shard: str
    index: int
    data: bytes
    count: int = 1


class Writer:
    """Applies what is written to the projection at once; `kinds` tells what was written, `fail_at` the n-th is refused."""

    def __init__(self, projection, clock):
        self._projection, self._clock, self._numbers = projection, clock, itertools.count()
        self.written, self.die_after = [], -1

    def write(self, kind, body, *, controller="operator", at=None):
        number = next(self._numbers)
        at = self._clock() if at is None else at
        entry = {
            "v": 1, "kind": kind, "id": f"core/1/{number}", "source": "core", "epoch": 1, "seq": number,
            "captured_at": at, "ingested_at": at, "controller": controller, "class": "governance", "key_id": "",
            "body": msgspec.to_builtins(body),
        }  # fmt: skip
        self._projection.apply([Line("operator/202611", number, msgspec.json.encode(entry, order="sorted"))])
        self.written.append((str(kind), body))
        if len(self.written) == self.die_after:
            raise Killed

    def of(self, kind):
        return [body for each, body in self.written if each == kind]


class Killed(BaseException):
    """The process was ended right after a durable write."""


class AudioCentre:
    """See the module. `now` can be moved."""

    def __init__(self, home):
        self.home, self.now = home, NOW
        (home / "controllers").mkdir(parents=True)
        (home / "monitor").mkdir()
        (home / "quivive.toml").write_text(MAIN)
        for slot, name in enumerate(("aurore", "boreal"), 1):
            (home / "controllers" / f"{name}.toml").write_text(CONTROLLER.format(slot=slot))
        self.settings = load_settings(home)
        self.keyring = Keyring.create(home, self.settings.controllers)
        self.projection = Projection.open(home / "projection")
        self.writer = Writer(self.projection, self.clock)
        self.audio = self.keeping()
        self.desk = AudioDesk(self.audio, self.writer, self.clock)
        self.playbacks = Playbacks(self.audio, self.writer, self.clock)

    def clock(self):
        self.now += 1
        return self.now

    def keeping(self):
        """A core started anew."""
        return AudioKeeping(
            settings=self.settings, keyring=self.keyring, projection=self.projection, writer=self.writer,
            clock=self.clock, ready=lambda: True,
        )  # fmt: skip

    def keys(self, controller="aurore"):
        return self.keyring.controller_keys(controller)

    def file(self, call, data=b"", folder="", ending="wav"):
        path = self.home / "monitor" / folder / f"0199000001-{call}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data or f"sound of {call} ".encode() * 50)
        os.utime(path, (self.now / 1e6 - 3600, self.now / 1e6 - 3600))
        return path

    def call(self, call, days, controller="aurore"):
        """A call that ended so many days ago."""
        ended = int(self.now - days * DAY_US)
        body = ContactBody(
            contact=contact_key(self.keys(controller), call), version=1, contact_kind="call", direction="inbound",
            label=call, team="t", campaign="", queue="q", self_made=False, preview_at=0, offered_at=0,
            started_at=ended - 5 * MINUTE_US, ended_at=ended, wrapped_at=0, opened_at=0, assigned_at=0, touched_at=0,
            closed_at=0, due_at=0, account="", consent="", consent_expires_at=0, legs=(), subjects=(), identified=True,
        )  # fmt: skip
        self.writer.write(EntryKind.CONTACT, body, controller=controller, at=ended)
        return body

    def told(self, call, days, campaign="quality", controller="aurore", ending="wav"):
        """A recording that a source told of."""
        ended, keys = int(self.now - days * DAY_US), self.keys(controller)
        body = RecordingBody(
            recording=recording_key(keys, "pbx", call), version=1, controller=controller, campaign=campaign,
            campaign_version=1, purpose="", answer="", contact=contact_key(keys, call), agent="", person="", queue="q",
            started_at=ended - 60_000_000, ended_at=ended, call_ended_at=ended, segments=(), announced=True,
            media_sha256="", location=location_key(keys, f"0199000001-{call}.{ending}"), size_bytes=0,
        )  # fmt: skip
        self.writer.write(EntryKind.RECORDING, body, controller=controller, at=ended)
        return body.recording

    def campaign(self, name="quality", days=30, controller="aurore", listeners=("eva-1",), purpose=Purpose.QUALITY):
        """An announced campaign."""
        body = CampaignBody(
            campaign=name, version=1, state=CampaignState.ANNOUNCED, controller=controller, purpose=purpose,
            media=(Medium.RECORDING,), basis=LegalBasis.LEGITIMATE_INTEREST, legal_text="", necessity="", sites=(),
            teams=(), queues=("q",), outbound_sale=False, trigger=Trigger.SAMPLE, from_at=self.now - 400 * DAY_US,
            to_at=self.now + DAY_US, periods=(), share_permille=30, cap_month=5,
            listeners=tuple(Listener(principal=each) for each in listeners), retention_days=days, analysis_days=365,
            announcement="v1", announcement_sha256="", objection=True, neutralisation=True, payment=Payment.NONE,
            wanted=(), lead_us=0, proposed_by="dpo-1", approved_by="eva-1", refusals=(), demonstration=False,
        )  # fmt: skip
        self.writer.write(EntryKind.RECORDING_CAMPAIGN, body, controller=controller)

    def objects(self, call, controller="aurore"):
        """A caller objects."""
        body = ObjectionBody(
            controller=controller, contact=contact_key(self.keys(controller), call), channel=ObjectionChannel.KEY,
            objected_at=self.clock(),
        )  # fmt: skip
        self.writer.write(EntryKind.OBJECTION, body, controller=controller)

    def person(self, role, name="", controllers=("aurore", "boreal")):
        return Principal(id=name or f"{role}-1", roles=(Role(role),), controllers=controllers, sources=())

    def planned(self, controller="aurore"):
        """A plan by an evaluator; returns its id."""
        self.desk.plan(controller, self.person("evaluator", "eva-1"))
        return self.writer.of("recording.plan")[-1].plan

    def agreed(self, controller="aurore"):
        """A plan that two persons agreed to."""
        plan = self.planned(controller)
        self.desk.decide(plan, self.person("dpo"), agreed=True)
        return plan

    def names(self):
        return sorted(
            path.name for path in (self.home / "monitor").rglob("*") if not path.name.startswith(".") and path.is_file()
        )

    def close(self):
        self.projection.close()

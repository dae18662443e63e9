"""A centre with one alert behind which a case may be opened: real ledger, projection and office."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import msgspec
from traces import CONTROLLER, SECOND, access, gate, key, person

from quivive.cases.folder import CaseFolder
from quivive.cases.office import CaseOffice, OfficePorts
from quivive.ledger.log import Ledger
from quivive.model.alert import AlertBody, AlertOrigin, Hit, RuleVersionBody, Severity
from quivive.model.clock import DAY_US
from quivive.model.entry import EntryKind, SpoolEvent
from quivive.model.gate import GateState, Module
from quivive.model.gate_record import DeclaredPurpose, GateRecordBody, GateRecordKind
from quivive.model.ids import OPERATOR
from quivive.privacy.keyring import Keyring
from quivive.projection.columns import access_id
from quivive.projection.projection import Projection

NOW = 1_795_000_000_000_000
FIRST = NOW - DAY_US
ALERT = "a" * 32
encode = msgspec.json.Encoder(order="sorted").encode


class Centre:
    """A ledger, a projection that follows it, and an office over both."""

    def __init__(self, home):
        self.now = NOW
        keyring = Keyring.create(home, [CONTROLLER])
        self.ledger = Ledger.open(home, keyring, {CONTROLLER: 1}, "quivive.example/centre")
        self.projection = Projection.open(home / "projection")
        self.seq, self.lagging, self.home = 0, False, home
        self.office = CaseOffice(
            OfficePorts(
                projection=self.projection,
                ledger=self.ledger,
                folder=CaseFolder(home, keyring),
                record=self.record,
                identity=lambda person: {"name": "Camille Exemple"} if person == key("anna") else None,
                noted=lambda topic: topic == "bulk-listing",
                clock=lambda: self.now,
            )
        )

    async def record(self, kind, controller, body):
        self.take(kind, body, source="console", at=self.now, controller=controller)

    def take(self, kind, body, *, source, at, controller=CONTROLLER):
        self.seq += 1
        event = SpoolEvent(
            kind=kind, source=source, epoch=1, seq=self.seq, captured_at=at, controller=controller, key_id="k1",
            body=encode(body),
        )  # fmt: skip
        self.ledger.append([event], at)
        self.ledger.publish(self.now, force=True)
        if not self.lagging:
            self.follow()

    def follow(self):
        while batch := self.ledger.read(self.projection.watermark(), 1_000):
            self.projection.apply(batch)

    def told(self, *events):
        for each in events:
            self.take(each.kind, each.body, source=each.source, at=each.at, controller=each.controller)

    def close(self):
        self.projection.close()
        self.ledger.close()


def centre_with_alert(home):
    """Gate open, papers adopted, agent informed, three accesses, one alert about them."""
    made = Centre(home)
    made.told(*(gate(state, at=FIRST - 9 * DAY_US + n) for n, state in enumerate(GateState) if n > 1))
    made.told(person("anna", ["anna"], informed_at=FIRST - SECOND))
    shown = [access(f"a{n}", FIRST + n * SECOND, agent="anna") for n in range(3)]
    made.told(*shown)
    made.take(
        EntryKind.RULE_VERSION,
        RuleVersionBody(rule="bulk-listing", rule_version="0" * 64, shipped=True, enabled=True),
        source="core", at=FIRST - DAY_US, controller=OPERATOR,
    )  # fmt: skip
    made.take(
        EntryKind.GATE_RECORD,
        GateRecordBody(
            employer="acme", establishment="lyon", module=Module.ACCESS, record=GateRecordKind.IMPACT_ASSESSMENT,
            dated_at=FIRST - 30 * DAY_US, reference="AIPD-4", text_sha256="", purposes=tuple(DeclaredPurpose), rules=(),
            demonstration=True,
        ),
        source="core", at=NOW, controller=OPERATOR,
    )  # fmt: skip
    ids = tuple(access_id(each.source, f"a{n}", each.at) for n, each in enumerate(shown))
    hit = Hit(
        controller=CONTROLLER, ident=key("anna"), topic="bulk-listing", origin=AlertOrigin.RULE, severity=Severity.HIGH,
        rule_version="0" * 64, from_at=FIRST, to_at=FIRST + 2 * SECOND, day="20261117", accesses=ids, facts=(),
    )  # fmt: skip
    made.take(
        EntryKind.ALERT,
        AlertBody(alert=ALERT, as_of=NOW - SECOND, hit=hit, freshness=(), would_explain=()),
        source="core", at=NOW - SECOND,
    )  # fmt: skip
    return made

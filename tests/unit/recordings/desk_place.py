"""A desk over a real vault, with entries kept in a list: for tests of the desk, the notifier and the pages."""

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from register_bodies import ACTIVE, ANNE, ANNE_LOGIN, BEN, BEN_LOGIN, NOW, agent

from quivive.model.entry import EntryKind
from quivive.recordings.analysis import HeardRecording
from quivive.recordings.desk import Desk, DeskPorts
from quivive.recordings.register import Register
from quivive.vault import Vault

NUMBERS = {"A17": ANNE, "A18": BEN}
RECORDING = "f" * 32
DRAFT = {
    "campaign": "formation-aurore",
    "controller": "aurore",
    "purpose": "training",
    "basis": "legitimate_interest",
    "sites": ["nord"],
    "from": "2026-10-19",
    "to": "2026-10-30",
    "periods": [{"weekly": ["mon", "wed"], "from": "09:00", "to": "12:00"}],
    "listeners": ["evaluator-1"],
    "retention_days": 30,
    "announcement": "aurore-2026-3",
    "objection": True,
    "neutralisation": True,
    "payment": "none",
}


@dataclass
class Place:
    """`entries` are what was written, in order."""

    vault: Vault
    now: int = NOW
    entries: list = field(default_factory=list)
    broken: bool = False

    def __post_init__(self):
        self.register = Register()
        for body in (agent(ANNE, ANNE_LOGIN), agent(BEN, BEN_LOGIN)):
            self.register.put(EntryKind.DIRECTORY_AGENT, body)
        self.register.put(EntryKind.GATE_STATE, ACTIVE)
        self.desk = Desk(
            DeskPorts(
                register=self.register,
                write=self._write,
                vault=self.vault,
                clock=lambda: self.now,
                zone=ZoneInfo("Europe/Paris"),
                controllers=frozenset({"aurore", "boreal"}),
                person=lambda number: NUMBERS.get(number, "9" * 32),
                line=lambda controller, number: ("7" * 31) + str(len(number) % 10),
                demonstration=False,
                document_key=b"k" * 32,
                heard=self._heard,
            )
        )

    async def _write(self, kind, controller, body):
        if self.broken:
            from quivive.model.errors import StorageError

            raise StorageError("full")
        self.entries.append((kind, controller, body))

    async def _heard(self, controller, recording):
        found = HeardRecording(person=ANNE, campaign="formation-aurore", version=1)
        return found if (controller, recording) == ("aurore", RECORDING) else None

    def kinds(self):
        return [kind for kind, _, _ in self.entries]

    async def announce(self, **changed):
        """Propose and announce the campaign of these tests."""
        body = (await self.desk.propose(DRAFT | changed, principal="evaluator-1", role="evaluator")).body
        return await self.desk.decide(
            body.campaign, body.version, agree=True, principal="dpo-1", role="dpo", controllers=("aurore",)
        )

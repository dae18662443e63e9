"""A core opened on a fresh folder without its web server: real ledger, projection, spools and vault."""

import asyncio
import sys
from pathlib import Path

import pytest

from quivive.core.compose import Parts
from quivive.core.main import _act_recorder, _entry_recorder, _judge_settings, _open_keyring
from quivive.core.pipeline import Pipeline
from quivive.core.policies import PolicyKeeper
from quivive.core.writers import CoreWriter
from quivive.intake import Intake
from quivive.ledger.log import Ledger
from quivive.model.clock import now_us
from quivive.projection.projection import Projection
from quivive.settings import load_settings
from quivive.spool import AsyncSpool, SpoolWriter
from quivive.vault import Vault

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))

MAIN = """
[operator]
name = "Centre"
origin = "centre.example/quivive"
web_listen = "127.0.0.1:0"

[sources.api]
kind = "accesses"
controller = "aurore"
namespace = "crm"

[sources.people]
kind = "directory"
"""
CONTROLLER = """
name = "Aurore"
slot = 1
lateness_s = 1

[[tables]]
name = "public.customer"
kind = "person"
key = ["id"]
alternates = [{ column = "phone", kind = "phone" }]
"""


class Core:
    """The parts of one core, without threads until `pipeline.start()`. `close` ends what was started."""

    def __init__(self, home):
        (home / "controllers").mkdir(parents=True)
        (home / "quivive.toml").write_text(MAIN)
        (home / "controllers" / "aurore.toml").write_text(CONTROLLER)
        self.home, self.settings = home, load_settings(home)
        self.keyring = _open_keyring(home, self.settings)
        self.vault = Vault.open(home / "vault.db")
        self.ledger = Ledger.open(home, self.keyring, self.settings.slots, self.settings.operator.origin)
        self.projection = Projection.open(home / "projection")
        self.writer = CoreWriter(home, now_us)
        self.policies = PolicyKeeper(self.settings, now_us)
        self.pipeline = Pipeline(
            home=home,
            ledger=self.ledger,
            projection=self.projection,
            writer=self.writer,
            judge_settings=_judge_settings(self.settings),
            clock=now_us,
            policies=self.policies,
        )
        self.started = False

    def start(self):
        self.pipeline.start()
        self.started = True

    def parts(self, work):
        """Run `work(parts)` on a loop that owns an intake and the console's spool."""

        async def run():
            console = AsyncSpool(SpoolWriter.open(self.home / "spool", "console", now_us()))
            intake = Intake.open(
                self.settings, self.keyring, policies=self.policies.current, seal=self.vault.put_identity, clock=now_us
            )
            try:
                return await work(
                    Parts(
                        settings=self.settings,
                        keyring=self.keyring,
                        vault=self.vault,
                        ledger=self.ledger,
                        projection=self.projection,
                        pipeline=self.pipeline,
                        intake=intake,
                        policies=self.policies,
                        record_act=_act_recorder(console),
                        record_entry=_entry_recorder(console),
                        rules=tuple,
                        clock=now_us,
                    )
                )
            finally:
                await intake.close()
                await console.close()

        return asyncio.run(run())

    def close(self):
        if self.started:
            self.pipeline.stop()
        self.writer.close()
        self.projection.close()
        self.ledger.close()
        self.vault.close()


@pytest.fixture
def core(tmp_path):
    opened = Core(tmp_path / "home")
    try:
        yield opened
    finally:
        opened.close()

"""A relay in a thread of the test, on an ephemeral port, and what it wrote to its spool."""

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import uvloop

from quivive.capture.relay import Relay
from quivive.model.access import CaptureMode
from quivive.model.catalogue import Alternate, Catalogue, Table, TableKind
from quivive.model.catalogue import Path as KeyPath
from quivive.model.gate import CapturePolicy
from quivive.privacy.policy_file import encode_policy
from quivive.privacy.pseudonym import ControllerKeys, agent_key, record_key
from quivive.settings import ControllerSettings, OperatorSettings, Settings, SourceKind, SourceSettings
from quivive.spool.reader import SpoolReader
from quivive.spool.record import SpoolCursor

KEYS = ControllerKeys(key_id="k1", record=b"\x11" * 32, agent=b"\x22" * 32)
CATALOGUE = Catalogue(
    controller="aurore",
    version=1,
    tables=(
        Table(
            name="public.customer",
            kind=TableKind.PERSON,
            key=("id",),
            alternates=(
                Alternate(column="customer_number", kind="customer_number"),
                Alternate(column="phone", kind="phone"),
            ),
            path=None,
        ),
        Table(
            name="public.orders",
            kind=TableKind.LINKED,
            key=("id",),
            alternates=(Alternate(column="order_number", kind="order_number"),),
            path=KeyPath(column="customer_id", to="public.customer"),
        ),
        Table(
            name="public.order_line",
            kind=TableKind.LINKED,
            key=("order_id", "line_no"),
            path=KeyPath(column="order_id", to="public.orders"),
        ),
        Table(name="public.household", kind=TableKind.GROUP, key=("id",)),
    ),
    not_protected=("public.reason_code",),
)


def customer(number: int) -> str:
    """Pseudonym of a customer."""
    return record_key(KEYS, "public.customer", str(number))


def agent(login: str) -> str:
    """Pseudonym of a login."""
    return agent_key(KEYS, "crm", login)


def make_home(home: Path, *, active: bool = True, **source: Any) -> Settings:
    """A data folder with keys and policy, and settings for one source `db`."""
    (home / "run" / "relay").mkdir(parents=True, exist_ok=True)
    (home / "run" / "policy").mkdir(parents=True, exist_ok=True)
    keys = home / "run" / "relay" / "db.json"
    keys.write_text(json.dumps({"key_id": "k1", "record": KEYS.record.hex(), "agent": KEYS.agent.hex()}))
    keys.chmod(0o600)
    write_policy(home, active=active)
    controller = ControllerSettings(
        id="aurore",
        name="Aurore",
        slot=1,
        catalogue=CATALOGUE,
        timezone="Europe/Paris",
        default_region="FR",
        lateness_s=30,
        contact_sources=(),
        retention_days={},
    )
    facts: dict[str, Any] = {"controller": "aurore", "namespace": "crm", "listen": "127.0.0.1:0", **source}
    facts["mode"] = CaptureMode(facts.get("mode", "observe"))
    return Settings(
        home=home,
        operator=OperatorSettings(name="Centre", origin="centre.example"),
        controllers={"aurore": controller},
        sources={"db": SourceSettings(kind=SourceKind.POSTGRES, **facts)},
    )


def write_policy(home: Path, *, active: bool) -> None:
    """Write the policy file of source `db`, the controller's instructions recorded."""
    accounts = ("app_user",)
    policy = CapturePolicy(
        active=active, informed={}, keep_unknown=True, service_accounts=accounts, limits=True, closed=True
    )
    (home / "run" / "policy" / "db.json").write_bytes(encode_policy(policy))


class Running:
    """A relay on its own loop and thread; a context manager."""

    def __init__(self, settings: Settings, worker: int = 1) -> None:
        self.home = settings.home
        self.relay = Relay(settings, "db", settings.sources["db"], worker)
        self.loop = uvloop.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.stopped = False

    def __enter__(self) -> Self:
        self.thread.start()
        try:
            self.call(self.relay.start)
        except BaseException:
            self._end()
            raise
        return self

    def call(self, function: Callable[[], Any]) -> Any:
        """Run a coroutine function on the relay's loop."""
        return asyncio.run_coroutine_threadsafe(function(), self.loop).result(30)

    def stop(self) -> int:
        """Stop in order; the exit code."""
        code: int = self.call(self.relay.stop)
        self.stopped = True
        self._end()
        return code

    def _end(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    def __exit__(self, *_: object) -> None:
        if not self.stopped:
            self.stop()

    def dsn(self, database: str, user: str = "app_user", extra: str = "") -> str:
        """Address of the relay."""
        return f"postgresql://{user}@127.0.0.1:{self.relay.port}/{database}{extra}"


def entries(home: Path, spool: str = "db") -> list[tuple[str, dict[str, Any]]]:
    """Everything in the spool of `db`, or of one of its workers: (kind, body)."""
    reader = SpoolReader(home / "spool", spool)
    found = []
    cursor = SpoolCursor(source=spool)
    while True:
        events = reader.poll(cursor, 1_000)
        events = getattr(events, "events", events)
        if not events:
            return found
        for event in events:
            found.append((event.kind.value, json.loads(event.body)))
            cursor = SpoolCursor(source=spool, epoch=event.epoch, seq=event.seq)


def accesses(home: Path) -> list[dict[str, Any]]:
    """Accesses with their parts joined: `records` as {table: [keys]}, the rest from the final part."""
    parts: dict[str, list[dict[str, Any]]] = {}
    for kind, body in entries(home):
        if kind == "access":
            parts.setdefault(body["access"], []).append(body)
    joined = []
    for group in parts.values():
        assert [part["part"] for part in group] == list(range(len(group)))
        assert [part["final"] for part in group][:-1] == [False] * (len(group) - 1)
        records: dict[str, list[str]] = {}
        for part in group:
            assert sum(len(one["keys"]) for one in part["records"]) <= 4_096
            for one in part["records"]:
                records.setdefault(one["table"], []).extend(one["keys"])
        joined.append({**group[-1], "records": records, "parts": len(group)})
    return joined

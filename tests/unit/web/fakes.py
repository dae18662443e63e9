"""A small in-memory installation for the web: real vault, real keys of searches, rows in lists.

Query names and row fields are the projection's; the acts are kept in order, and can be made to fail.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import fakes_detection

from quivive.intake import IntakeReport
from quivive.model.alert import AlertChangeBody, WordBody
from quivive.model.clock import HOUR_US, MINUTE_US, SECOND_US
from quivive.model.entry import ActBody
from quivive.model.errors import RefusedError, StorageError
from quivive.model.permission import Role
from quivive.rows import RowError
from quivive.vault import Vault
from quivive.web.services import ControllerFacts, LedgerHead, Services, StoryFinding, StoryResult

NOW = 1_795_356_300_000_000  # 2026-11-22 14:05:00 UTC
CONTROLLERS = ("aurore", "boreal", "cassis")
NAMES = {"aurore": "Aurore Énergie", "boreal": "Boréal Boutique", "cassis": "Cassis Assurances"}
PERSON = "00000000000000000000000000000007"
SECRET_RECORD = "customer:2"
SECRET_PHONE = "+33612345678"


def hex_id(text: str) -> str:
    """An opaque id of 32 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def access(number: int, **changed: object) -> dict[str, object]:
    """One row as the projection gives it."""
    row: dict[str, object] = {
        "access": hex_id(f"access-{number}"),
        "at": NOW - number * 37 * SECOND_US,
        "ended_at": NOW - number * 37 * SECOND_US + 40_000,
        "controller": CONTROLLERS[number % 2],
        "source": f"{CONTROLLERS[number % 2]}-db",
        "grade": "A",
        "agent_code": ("7K3QX", "M2PWA", "ZB9TT", "4HHRD")[number % 4],
        "attribution": "session_variable",
        "action": ("read", "read", "update", "list")[number % 4],
        "tables": ("public.customer", "public.contract"),
        "columns": ("public.customer.last_name", "public.customer.phone", "public.contract.offer"),
        "changed": ("public.customer.phone",) if number % 4 == 2 else (),
        "coverage": "exact",
        "rows": 1 + number % 3,
        "distinct": 1 + number % 3,
        "outcome": "ok",
        "verdict": "explained",
        "strength": ("strong", "medium", "weak")[number % 3],
        "template": ("E1", "E7", "E2")[number % 3],
        "unknown_cause": "none",
        "evidence_kind": ("call", "ticket", "call")[number % 3],
        "evidence_label": ("A-9917", "55120", "A-9921")[number % 3],
        "evidence_delta_s": 0,
        "pattern_class": "equals",
        "shape": "00112233445566aa",
        "statements": 2,
    }
    return row | changed


def episode(number: int, **changed: object) -> dict[str, object]:
    """One row of `activity`."""
    row = access(number)
    at = int(str(row["at"]))
    return (
        row
        | {"episode": hex_id(f"episode-{number}"), "records": 2, "first_at": at - MINUTE_US, "last_at": at}
        | changed
    )


UNEXPLAINED = {
    "verdict": "unexplained",
    "strength": "none",
    "template": "none",
    "evidence_kind": "",
    "evidence_label": "",
}
UNKNOWN = UNEXPLAINED | {"verdict": "unknown"}


def _groups() -> list[dict[str, object]]:
    return [
        episode(3, **UNEXPLAINED, records=23, statements=23, agent_code="ZB9TT", assigned=True),
        episode(
            8, **UNEXPLAINED, records=4, agent_code="4HHRD", controller="boreal", assigned=False, first_at=NOW - HOUR_US
        ),
        episode(
            12, **UNEXPLAINED, records=312, agent_code="7K3QX", assigned=True, pattern_class="contains", action="query"
        ),
    ]


def _evidence() -> list[dict[str, object]]:
    lines = (
        ("E1", False, "A-9850", NOW - 34 * MINUTE_US, 2040, "aurore-cti"),
        ("E3", False, "A-9850", NOW - 34 * MINUTE_US, 2040, "aurore-cti"),
        ("E6", False, "", 0, 0, "aurore-crm"),
        ("E7", True, "55120", NOW - HOUR_US, 3600, "aurore-crm"),
    )
    return [
        {
            "template": template,
            "found": found,
            "contact_label": label,
            "nearest_at": nearest,
            "delta_s": delta,
            "source": source,
            "complete_to": NOW - 3 * SECOND_US,
            "silent": source == "aurore-crm" and not found,
        }
        for template, found, label, nearest, delta, source in lines
    ]


def _tables() -> dict[str, list[dict[str, object]]]:
    activity = [episode(number) for number in range(1, 131)]
    activity[2] = episode(3, **UNEXPLAINED, records=23, statements=23)
    activity[5] = episode(6, **UNKNOWN, unknown_cause="source_silent")
    activity[7] = episode(8, **UNKNOWN, unknown_cause="unattributed", agent_code=None, attribution="none")
    activity[9] = episode(10, **(UNEXPLAINED | {"verdict": "pending"}))
    subject = [access(number, controller="aurore") for number in range(1, 8)]
    subject.append(access(9, controller="aurore", **UNEXPLAINED, distinct=23))
    night = {"controller": "aurore", "agent_code": None, "attribution": "account", "source": "aurore-night"}
    subject.extend(access(number, **night) for number in range(20, 24))
    share = {"template": "E1", "final": True}
    return fakes_detection.tables() | {
        "acts_of_principal": [],
        "alert_accesses": [access(1, **UNEXPLAINED, agent_code="ZB9TT"), access(5, **UNEXPLAINED, agent_code="ZB9TT")],
        "activity": activity,
        "episode": [access(number) for number in (1, 5)],
        "accesses_by_subject": subject,
        "unexplained": _groups(),
        "export_accesses": [access(number, episode=hex_id("one"), wanted=True) for number in range(130, 0, -1)],
        "due_today": [
            {"due": "questions", "about": "", "waiting": 3, "oldest_at": NOW - HOUR_US},
            {"due": "overdue", "about": "", "waiting": 1, "oldest_at": NOW - 10**13},
            {"due": "nonconformities", "about": "", "waiting": 0, "oldest_at": None},
            {"due": "second_key", "about": "unmask", "waiting": 2, "oldest_at": NOW - HOUR_US},
            {"due": "second_key", "about": "recordings_campaign", "waiting": 1, "oldest_at": NOW - HOUR_US},
        ],
        "evidence": _evidence(),
        "retention": [
            {
                "day": "20261123",
                "room": "ledger",
                "checked_at": NOW,
                "store": "segments",
                "controller": "aurore",
                "retention_class": "trace",
                "declared_days": 365,
                "oldest_at": NOW - 10**13,
                "overdue": False,
                "held": "",
                "incomplete": 0,
            },
        ],
        "gaps": [
            {
                "controller": "aurore",
                "source": "aurore-db",
                "from_at": NOW - 9 * HOUR_US,
                "to_at": NOW - 9 * HOUR_US + 4 * SECOND_US,
                "cause": "source_killed",
                "lost": -1,
            }
        ],
        "coverage": [
            {"controller": "aurore", "coverage": "exact", "accesses": 41_902, "verdict": "explained", "exposures": 9},
            {"controller": "aurore", "coverage": "aggregate", "accesses": 311, "verdict": "", "exposures": 0},
        ],
        "counts": [
            {
                "accesses": 41_902,
                "exposures": 52_114,
                "explained": 51_000,
                "contacts": 3_518,
                "pending": 41,
                "unknown": 12,
                "unexplained": 28,
                "gaps": 1,
            }
        ],
        "shares": [
            share | {"controller": "aurore", "verdict": "explained", "strength": "strong", "exposures": 38_000},
            share | {"controller": "aurore", "verdict": "explained", "strength": "medium", "exposures": 8_000},
            share | {"controller": "aurore", "verdict": "explained", "strength": "weak", "exposures": 5_000},
            share | {"controller": "aurore", "verdict": "pending", "strength": "none", "exposures": 410},
            share | {"controller": "aurore", "verdict": "unknown", "strength": "none", "exposures": 1200},
            share | {"controller": "aurore", "verdict": "unexplained", "strength": "none", "exposures": 280},
        ],
        "health": [
            {
                "controller": controller,
                "source": f"{controller}-{kind}",
                "last_at": NOW - 2 * SECOND_US,
                "complete_to": NOW - 3 * SECOND_US,
                "entries": 12_000,
                "gaps": 1 if kind == "db" else 0,
                "silent": kind == "crm",
            }
            for controller in CONTROLLERS[:2]
            for kind in ("db", "cti", "crm")
        ],
        "weak_excess": [
            {
                "controller": "aurore",
                "agent_code": "M2PWA",
                "calls": 14,
                "excess": 19,
                "peers": 11,
                "peer_calls": 160,
                "peer_excess": 21,
                "expected": 1.84,
            }
        ],
        "gate": [
            {
                "employer": "Relais Horizon",
                "establishment": "Lille",
                "module": "access",
                "state": "active",
                "reference": "PV CSE 2026-03",
                "demonstration": True,
            }
        ],
    }


@dataclass
class Installation:
    """The in-memory installation. `acts` in order; `broken` makes acts fail; `asked` are the queries received."""

    vault: Vault
    tables: dict[str, list[dict[str, object]]] = field(default_factory=_tables)
    acts: list[ActBody] = field(default_factory=list)
    asked: list[tuple[str, tuple[str, ...], Mapping[str, object]]] = field(default_factory=list)
    batches: list[tuple[str, str, bytes]] = field(default_factory=list)
    words: list[WordBody] = field(default_factory=list)
    reviews: list[tuple[str, AlertChangeBody]] = field(default_factory=list)
    searched: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    broken: bool = False
    is_ready: bool = True
    now: int = NOW
    log: list[str] = field(default_factory=list)

    async def query(self, name, params, *, controllers, from_at, to_at, purpose, principal):
        assert purpose
        assert principal
        assert from_at < to_at
        self.asked.append((name, controllers, dict(params)))
        self.log.append(f"query {name}")
        table = {"alert": "alerts", "export_edge": "export_accesses"}.get(name, name)
        rows = [row for row in self.tables[table] if row.get("controller", controllers[0]) in controllers]
        if name in {"export_accesses", "export_edge"}:
            rows = [row for row in self.tables["export_accesses"] if row["controller"] in controllers]
            rows = [row for row in rows if from_at <= int(str(row["at"])) < to_at]
        if name == "export_accesses":
            rows = [row for row in rows if from_at <= int(str(row["at"])) < to_at]
        if name == "alert":
            rows = [row for row in rows if row["alert"] == params["alert"]]
        if name in {"questions_of", "recorded_of", "looks_of", "cases_of"}:
            rows = rows if params["person"] == PERSON else []
        if name == "alerts" and params.get("state"):
            rows = [row for row in rows if row["state"] == params["state"]]
        for each in ("controller", "action", "verdict"):
            if params.get(each):
                rows = [row for row in rows if row.get(each) == params[each]]
        if name == "export_edge":
            rows = rows[: int(str(params["limit"]))]
            return [{"last_at": max((row["at"] for row in rows), default=None), "accesses": len(rows)}]
        if params.get("before_at"):
            rows = [
                row for row in rows if int(str(row.get("at", row.get("opened_at")))) < int(str(params["before_at"]))
            ]
        return rows[: int(str(params.get("limit", 5_000)))]

    async def act(self, body: ActBody) -> None:
        if self.broken:
            raise StorageError("disk full")
        self.acts.append(body)
        self.log.append(f"act {body.act}")

    async def word(self, body: WordBody) -> None:
        if self.broken:
            raise StorageError("disk full")
        self.words.append(body)
        self.log.append("word")

    async def review(self, controller: str, body: AlertChangeBody) -> None:
        if self.broken:
            raise StorageError("disk full")
        self.reviews.append((controller, body))
        self.log.append("review")

    async def exposure_search(self, controller, victims, *, from_at, to_at):
        self.searched.append((controller, victims))
        self.log.append("exposure search")
        return fakes_detection.lifts(controller, len(victims))

    async def intake(self, *, kind, sources, controllers, content_type, body):
        if not content_type.startswith(("application/json", "application/x-ndjson")):
            raise RefusedError("content_type")
        if self.broken:
            raise StorageError("disk full")
        self.batches.append((kind, sources[0], body))
        return IntakeReport(
            accepted=2, duplicates=1, refused=(RowError(row=3, field="$.at", expected="RFC 3339", found="string"),)
        )

    def subject_keys(self, controller: str, kind: str, text: str) -> tuple[str, ...]:
        if ":" not in text and kind == "record":
            raise RefusedError("subject_unreadable")
        return (hex_id(f"{controller} {kind} {text}"),)

    async def heads(self):
        return [
            LedgerHead(
                controller=controller,
                shard=f"{controller}/202611",
                entries=41_902,
                published=41_900,
                root="q1w2e3r4t5y6u7i8o9p0a1s2d3f4g5h6j7k8l9z0x1c=",
                signed_at=NOW - SECOND_US,
            )
            for controller in ("operator", *CONTROLLERS[:2])
        ]

    async def story_prove(self) -> StoryResult:
        return await self._story(())

    async def story_tamper(self) -> StoryResult:
        return await self._story((StoryFinding(code="payload_altered", place="segments/aurore/trace/20261122 #4031"),))

    async def _story(self, findings) -> StoryResult:
        return StoryResult(
            exit_code=20 if findings else 0,
            entries=41_902,
            checkpoints=12,
            findings=findings,
            changed_file="segments/aurore/trace/20261122" if findings else "",
            changed_offset=4_711_080 if findings else 0,
            elapsed_ms=812,
            heads=tuple(await self.heads()),
            command="quivive verify",
        )

    async def ready(self) -> bool:
        return self.is_ready

    def services(self, **changed: object) -> Services:
        """The services of this installation."""
        values: dict[str, object] = {
            "query": self.query,
            "act": self.act,
            "word": self.word,
            "review": self.review,
            "exposure_search": self.exposure_search,
            "rules": fakes_detection.rules,
            "sources": fakes_detection.sources,
            "intake": self.intake,
            "subject_keys": self.subject_keys,
            "vault": self.vault,
            "clock": lambda: self.now,
            "heads": self.heads,
            "story_prove": self.story_prove,
            "story_tamper": self.story_tamper,
            "ready": self.ready,
            "metrics": lambda: b"quivive_entries_total 3\n",
            "controllers": tuple(
                ControllerFacts(
                    id=controller,
                    name=NAMES[controller],
                    timezone="Europe/Paris",
                    trace_retention_days=365,
                    identity_kinds=("customer_number", "phone"),
                    record_example=SECRET_RECORD,
                )
                for controller in CONTROLLERS
            ),
            "operator_name": "Relais Horizon",
            "language": "fr",
            "timezone": "Europe/Paris",
            "demonstration": True,
            "secure_cookies": False,
            "contact": "dpo@relais-horizon.example",
        }
        return Services(**(values | changed))  # type: ignore[arg-type]

    def session(self, role: Role, controllers: tuple[str, ...] = CONTROLLERS[:2]) -> str:
        """Open a console session; returns the cookie."""
        person = PERSON if role is Role.AGENT else ""
        link = self.vault.issue_link(
            principal=f"{role}-1",
            roles=(role,),
            controllers=controllers[:1] if role is Role.AUDITOR else controllers,
            now=self.now,
            person=person,
            ends_at=self.now + HOUR_US if role is Role.INSPECTOR else 0,
        )
        return self.vault.open_session(self.vault.consume_link(link, self.now), self.now)

    def token(self, *roles: Role, source: str = "", controllers: tuple[str, ...] = CONTROLLERS[:2]) -> str:
        """Issue an API token."""
        name = "-".join(roles) + source
        return self.vault.issue_token(
            name=name, sources=(source,) if source else (), roles=roles, controllers=controllers, expires_at=0
        )


def installation(folder: Path) -> Installation:
    """Make an installation with its vault in `folder`."""
    vault = Vault.open(folder / "vault.db")
    # No claim of the web is about a power cut, and no test may wait for somebody else's disk.
    vault._connection.execute("pragma synchronous = off")
    return Installation(vault=vault)

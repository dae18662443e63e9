"""Writes the demonstration's quivive.toml and controllers/*.toml, once; afterwards they belong to the reader.

Called by `demo.py`. Must never overwrite a file and never write a secret: the side accounts are admitted
on the database's Unix socket without a password, and may do nothing but describe.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quivive.simulation.database import is_free
from quivive.simulation.sound import FOLDER, STORE

FILE_CONTROLLER: Final = "voyage"
"""The controller that arrives only by its CRM's access log."""
RELAYED: Final = ("aurore", "mercato", "sereni")
CONTROLLERS: Final = (*RELAYED, FILE_CONTROLLER)
NAMES: Final = {
    "aurore": "Aurore Énergie",
    "mercato": "Mercato",
    "sereni": "Séréni Assurances",
    "voyage": "Cap Voyage",
}
ACCESS_LOG: Final = "crm/voyage-access.ndjson"
LATENESS_S: Final = 30
"""The demonstration's lateness budget: its telephony and its helpdesk deliver within seconds."""
SILENT_AFTER_S: Final = 45
PORT_RANGE: Final = (20_000, 32_000)
"""Below the ports that Linux lends to outgoing connections, so that a second start finds them free again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One table of a catalogue. `alternates` maps column to kind; `path` is (column, table it points to)."""

    table: str
    kind: str
    key: tuple[str, ...] = ("id",)
    alternates: Mapping[str, str] | None = None
    path: tuple[str, str] | None = None

    @property
    def link_columns(self) -> tuple[str, ...]:
        """Columns that `quivive links sync` reads: keys, alternates, the way to a person."""
        path = (self.path[0],) if self.path else ()
        return tuple(dict.fromkeys((*self.key, *(self.alternates or {}), *path)))


_PERSON: Final = {"phone": "phone", "email": "email", "customer_number": "customer_number"}
CATALOGUES: Final[dict[str, tuple[Declared, ...]]] = {
    "aurore": (
        Declared(table="household", kind="group"),
        Declared(table="customer", kind="person", alternates=_PERSON, path=("household_id", "household")),
        Declared(
            table="contract",
            kind="linked",
            alternates={"contract_number": "contract_number"},
            path=("customer_id", "customer"),
        ),
        Declared(
            table="meter", kind="linked", alternates={"meter_number": "meter_number"}, path=("contract_id", "contract")
        ),
        Declared(table="invoice", kind="linked", path=("customer_id", "customer")),
        Declared(table="note", kind="linked", path=("customer_id", "customer")),
    ),
    "mercato": (
        Declared(table="household", kind="group"),
        Declared(table="customer", kind="person", alternates=_PERSON, path=("household_id", "household")),
        Declared(table="address", kind="linked", path=("customer_id", "customer")),
        Declared(
            table="orders", kind="linked", alternates={"order_number": "order_number"}, path=("customer_id", "customer")
        ),
        Declared(table="order_line", kind="linked", key=("order_id", "line_no"), path=("order_id", "orders")),
        Declared(table="invoice", kind="linked", path=("order_id", "orders")),
        Declared(
            table="parcel",
            kind="linked",
            alternates={"tracking_number": "tracking_number"},
            path=("order_id", "orders"),
        ),
    ),
    "sereni": (
        Declared(table="customer", kind="person", alternates=_PERSON),
        Declared(
            table="policy",
            kind="linked",
            alternates={"policy_number": "policy_number"},
            path=("customer_id", "customer"),
        ),
        Declared(table="claim", kind="linked", path=("policy_id", "policy")),
        Declared(table="campaign_member", kind="linked", path=("customer_id", "customer")),
    ),
    "voyage": (
        Declared(table="customer", kind="person", alternates={"phone": "phone", "file_number": "file_number"}),
        Declared(table="booking", kind="linked", path=("customer_id", "customer")),
    ),
}
NOT_PROTECTED: Final[dict[str, tuple[str, ...]]] = {
    "aurore": ("offer",),
    "mercato": ("product",),
    "sereni": ("campaign",),
    "voyage": (),
}
LINK_COLUMNS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    controller: {declared.table: declared.link_columns for declared in tables if declared.kind != "reference"}
    for controller, tables in CATALOGUES.items()
}


def write_configuration(
    home: Path, *, language: str, socket: Path, side_dsns: Mapping[str, str], ports: "Ports | None" = None
) -> None:
    """Write what is absent of the configuration.

    Args:
        home: the data folder.
        language: `fr` or `en`, of the console.
        socket: Unix socket of the database, which every relay has as its target.
        side_dsns: per relayed controller, DSN of its side account (no password in it).
        ports: loopback ports; chosen free when None.
    """
    chosen = ports or Ports.free()
    _write_absent(home / "quivive.toml", _main(language, socket, side_dsns, chosen))
    (home / FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
    for slot, controller in enumerate(CONTROLLERS, start=1):
        _write_absent(home / "controllers" / f"{controller}.toml", _controller(controller, slot))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Loopback ports of the console and of the three relays."""

    web: int
    relays: Mapping[str, int]
    gate: int = 0

    @classmethod
    def free(cls) -> "Ports":
        """Choose ports that are free now."""
        chosen: list[int] = []
        while len(chosen) < 2 + len(RELAYED):
            port = random.randrange(*PORT_RANGE)
            if port not in chosen and is_free(port):
                chosen.append(port)
        return cls(web=chosen[0], gate=chosen[1], relays=dict(zip(RELAYED, chosen[2:], strict=True)))


def _write_absent(path: Path, text: str) -> None:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _main(language: str, socket: Path, side_dsns: Mapping[str, str], ports: Ports) -> str:
    lines = [
        "# Demonstration centre. Everything here is invented; written by `quivive demo`, which never overwrites it.",
        "",
        "[operator]",
        'name = "Relation Plus (centre de démonstration)"',
        'origin = "demonstration.invalid/relation-plus"',
        f'language = "{language}"',
        f'web_listen = "127.0.0.1:{ports.web}"',
        'contact = "dpo@demonstration.invalid"',
        "demonstration = true",
    ]
    for name in RELAYED:
        lines += [
            "",
            f"[sources.{name}-db]",
            'kind = "postgres"',
            f'controller = "{name}"',
            'namespace = "crm"',
            f'listen = "127.0.0.1:{ports.relays[name]}"',
            f'target = "unix:{socket}"',
            f'side_dsn = "{side_dsns[name]}"',
            "keep_unknown = true                # so that a visitor may try any agent's name in psql",
        ]
    lines += [
        "",
        f"[sources.{FILE_CONTROLLER}-crm]          # no database to relay: its CRM appends to a file",
        'kind = "access_file"',
        f'controller = "{FILE_CONTROLLER}"',
        'namespace = "crm"',
        f'path = "{ACCESS_LOG}"',
        'grade = "D"',
    ]
    for name, namespace in (("telephony", "telephony"), ("helpdesk", "helpdesk")):
        lines += [
            "",
            f"[sources.{name}]",
            'kind = "contacts"',
            f'namespace = "{namespace}"',
            f"silent_after_s = {SILENT_AFTER_S}",
        ]
    if ports.gate:
        lines += ["", "[sources.exchange]                  # asks before it records", 'kind = "gate"']
        lines += ['namespace = "telephony"', f'listen = "127.0.0.1:{ports.gate}"']
    lines += ["", f"[audio.{STORE}]                    # what the exchange keeps: invented tunes", 'kind = "folder"']
    lines += [f'path = "{FOLDER}"', 'controllers = ["aurore"]', r"name = '^\d{8}-\d{6}-(?P<call>[\w.-]+)\.wav$'"]
    lines += ["", "[sources.api]                       # whatever a visitor posts to /v1/accesses"]
    lines += ['kind = "accesses"', 'namespace = "crm"', 'grade = "C"']
    lines += ["", "[sources.people]", 'kind = "directory"', "", "[sources.planning]", 'kind = "roster"', ""]
    return "\n".join(lines)


def _controller(controller: str, slot: int) -> str:
    free = ", ".join(f'"public.{table}"' for table in NOT_PROTECTED[controller])
    lines = [
        f'name = "{NAMES[controller]}"',
        f"slot = {slot}",
        f"lateness_s = {LATENESS_S}",
        'contact_sources = ["telephony", "helpdesk"]',
        f"not_protected = [{free}]",
    ]
    for declared in CATALOGUES[controller]:
        keys = ", ".join(f'"{column}"' for column in declared.key)
        lines += ["", "[[tables]]", f'name = "public.{declared.table}"', f'kind = "{declared.kind}"', f"key = [{keys}]"]
        if declared.alternates:
            lines.append("alternates = [")
            lines += [f'  {{ column = "{c}", kind = "{k}" }},' for c, k in declared.alternates.items()]
            lines.append("]")
        if declared.path:
            lines.append(f'path = {{ column = "{declared.path[0]}", to = "public.{declared.path[1]}" }}')
    return "\n".join([*lines, ""])

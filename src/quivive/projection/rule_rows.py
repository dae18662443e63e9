"""Rows that the rules look at beside accesses: rules in force, watched records, declared zones and sensitive columns.

Called by `columns`, through `alert_rows`, which stages them. Pure. Must never merge.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from quivive.model.alert import RuleVersionBody, WatchedRecordBody
from quivive.model.entry import EntryKind
from quivive.projection.decode import Envelope
from quivive.projection.forms import BOOL, INT, KEY, TEXT, TIE

Rows = dict[str, list[tuple[Any, ...]]]

RULE_LAYOUT: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "rule_version": (
        ("rule", TEXT), ("version", INT), ("tie", TIE), ("rule_version", TEXT), ("shipped", BOOL), ("enabled", BOOL),
    ),
    "watched_record": (
        ("controller", TEXT), ("key", KEY), ("version", INT), ("tie", TIE), ("owner", KEY), ("removed", BOOL),
    ),
    "configuration": (("version", INT), ("tie", TIE)),
    "zone": (("version", INT), ("tie", TIE), ("zone", TEXT), ("site", TEXT), ("country", TEXT)),
    "sensitive_column": (
        ("version", INT), ("tie", TIE), ("controller", TEXT), ("column_name", TEXT), ("name", TEXT),
    ),
    "configured_source": (("version", INT), ("tie", TIE), ("source", TEXT), ("source_kind", TEXT)),
}  # fmt: skip


class ZoneRow(msgspec.Struct, gc=False):
    site: str = ""
    country: str = ""


class SourceRow(msgspec.Struct, gc=False):
    kind: str = ""


class ControllerRow(msgspec.Struct):
    sensitive: dict[str, list[str]] = {}


class ConfigurationRow(msgspec.Struct):
    """Subset of the `configuration` entry (`core.main`)."""

    zones: dict[str, ZoneRow] = {}
    sources: dict[str, SourceRow] = {}
    controllers: dict[str, ControllerRow] = {}


def _rule_version(rows: Rows, envelope: Envelope, tie: int, body: RuleVersionBody) -> None:
    rows["rule_version"].append(
        (body.rule, envelope.captured_at, tie, body.rule_version, body.shipped, body.enabled)
    )  # fmt: skip


def _watched(rows: Rows, envelope: Envelope, tie: int, body: WatchedRecordBody) -> None:
    rows["watched_record"].append((body.controller, body.key, envelope.captured_at, tie, body.owner, body.removed))


def _configuration(rows: Rows, envelope: Envelope, tie: int, body: ConfigurationRow) -> None:
    of = (envelope.captured_at, tie)
    rows["configuration"].append(of)
    rows["zone"].extend((*of, name, zone.site, zone.country) for name, zone in body.zones.items())
    rows["configured_source"].extend((*of, name, source.kind) for name, source in body.sources.items())
    rows["sensitive_column"].extend(
        (*of, controller, column, name)
        for controller, settings in body.controllers.items()
        for name, columns in settings.sensitive.items()
        for column in columns
    )


RULE_ROWS: Final[dict[str, Callable[[Rows, Envelope, int, Any], None]]] = {
    EntryKind.RULE_VERSION: _rule_version,
    EntryKind.WATCHED_RECORD: _watched,
    EntryKind.CONFIGURATION: _configuration,
}
RULE_BODIES: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    EntryKind.RULE_VERSION: msgspec.json.Decoder(RuleVersionBody),
    EntryKind.WATCHED_RECORD: msgspec.json.Decoder(WatchedRecordBody),
    EntryKind.CONFIGURATION: msgspec.json.Decoder(ConfigurationRow),
}

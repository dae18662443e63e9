"""A draft of a campaign as a person writes it: YAML, flags of a command or a form, read into a `CampaignBody`.

Called by the register. Pure: time zone and the way from a personnel number to its pseudonym are arguments. What a rule
would refuse (no end, no purpose) must get through to `rules`, which tells the rule; what cannot be read is one error
with its place, what was expected and what was found. Must never keep a name: a listener is a principal or a person.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import yaml

from quivive.model.clock import DAY_US, SECOND_US
from quivive.model.errors import RefusedError
from quivive.model.ids import CONTROLLER_ID_PATTERN
from quivive.model.recording import Medium
from quivive.model.recording_register import (
    MAX_PERIODS,
    CampaignBody,
    CampaignState,
    LegalBasis,
    Listener,
    Payment,
    Period,
    Trigger,
    Wanted,
)
from quivive.recordings.limits import Limits
from quivive.rows import FieldError, Row, is_code, sub_row, text_item, type_name

CAMPAIGN_PATTERN: Final = re.compile(r"[a-z][a-z0-9-]{1,47}")
PRINCIPAL_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_DRAFT_BYTES: Final = 256 << 10
"""Bytes of a draft file: 400 periods fit many times."""
MAX_NECESSITY: Final = 1_000
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftContext:
    """What a draft cannot say itself. `person` turns a personnel number into its PersonKey."""

    zone: ZoneInfo
    limits: Limits
    controllers: frozenset[str]
    person: Callable[[str], str]
    proposed_by: str
    demonstration: bool


class _Loader(yaml.SafeLoader):
    """YAML without dates: an instant stays the text that was written, and a key stands once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise FieldError(f"$.{key}", "each field once", "the same field twice")
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_draft(data: bytes) -> dict[str, Any]:
    """Read the YAML (or JSON) of one campaign.

    Raises:
        FieldError: too large, no YAML, or no mapping.
    """
    if len(data) > MAX_DRAFT_BYTES:
        raise FieldError("$", f"at most {MAX_DRAFT_BYTES} bytes", "a longer file")
    try:
        value = yaml.load(data, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise FieldError("$", "YAML in UTF-8", "damaged YAML") from None
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise FieldError("$", "the fields of one campaign", type_name(value))
    return value


def read_draft(value: dict[str, Any], context: DraftContext, *, version: int) -> CampaignBody:
    """Read a draft; nothing is judged yet.

    Raises:
        FieldError: the first field that cannot be read: place, expected, found.
    """
    row = Row(value)
    from_at, to_at = (
        _edge(row, value.get("from"), "from", context.zone),
        _edge(row, value.get("to"), "to", context.zone),
    )
    body = CampaignBody(
        campaign=_campaign(row),
        version=version,
        state=CampaignState.PROPOSED,
        controller=_controller(row, context),
        purpose=row.code("purpose", default=""),
        media=row.items("media", _medium) or (Medium.RECORDING,),
        basis=row.choice("basis", LegalBasis, default=LegalBasis.NONE),
        legal_text=row.text("legal_text", default="") if value.get("legal_text") else _empty(row, "legal_text"),
        necessity=_long_text(row, value.get("necessity")),
        sites=row.items("sites", _code),
        teams=row.items("teams", _code),
        queues=row.items("queues", _code),
        outbound_sale=row.boolean("outbound_sale", default=False),
        trigger=row.choice("trigger", Trigger, default=Trigger.SAMPLE),
        from_at=from_at,
        to_at=to_at,
        periods=_periods(row, context.zone, from_at, to_at),
        share_permille=_share(row, value.get("share_percent"), context.limits),
        cap_month=row.integer("cap_month", default=context.limits.cap_month, maximum=10_000),
        listeners=row.items("listeners", lambda item, path: _listener(item, path, context)),
        retention_days=row.integer("retention_days", default=0, maximum=36_500),
        analysis_days=row.integer("analysis_days", default=context.limits.analysis_days, maximum=36_500),
        announcement=row.text("announcement", default="") if value.get("announcement") else _empty(row, "announcement"),
        announcement_sha256=_sha256(row, "announcement_sha256"),
        objection=row.boolean("objection", default=False),
        neutralisation=row.boolean("neutralisation", default=False),
        payment=row.choice("payment", Payment, default=Payment.UNSTATED),
        wanted=row.items("wanted", _wanted),
        lead_us=row.integer("lead_days", default=context.limits.lead_days, maximum=365) * DAY_US,
        proposed_by=context.proposed_by,
        approved_by="",
        refusals=(),
        demonstration=context.demonstration,
    )
    row.done()
    return body


def _empty(row: Row, name: str) -> str:
    """An empty text and an absent one are the same here; the rules say what they miss."""
    row.has(name)
    return ""


def _campaign(row: Row) -> str:
    name = row.text("campaign", expected="a short name")
    if not CAMPAIGN_PATTERN.fullmatch(name):
        raise row.wrong("campaign", "a short name: a letter, then a-z, 0-9 and -, at most 48")
    return name


def _controller(row: Row, context: DraftContext) -> str:
    name = row.text("controller", expected="the id of a controller")
    if not CONTROLLER_ID_PATTERN.fullmatch(name) or name not in context.controllers:
        raise row.wrong("controller", "the id of a configured controller")
    return name


def _long_text(row: Row, value: Any) -> str:
    """Longer than a text of a row may be."""
    if not row.has("necessity"):
        return ""
    if not isinstance(value, str) or len(value) > MAX_NECESSITY:
        raise row.wrong("necessity", f"a text of at most {MAX_NECESSITY} characters")
    return value.strip()


def _sha256(row: Row, name: str) -> str:
    if not row.has(name):
        return ""
    value = row.text(name, expected="a SHA-256")
    if not _SHA256.fullmatch(value):
        raise row.wrong(name, "a SHA-256: 64 hexadecimal digits")
    return value


def _share(row: Row, value: Any, limits: Limits) -> int:
    """`share_percent`, whole or with one decimal."""
    if not row.has("share_percent"):
        return limits.share_permille
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise row.wrong("share_percent", "a number from 0 to 100")
    permille = round(value * 10)
    if abs(permille - value * 10) > 1e-6:
        raise row.wrong("share_percent", "at most one decimal")
    return permille


def _code(value: Any, path: str) -> str:
    text = text_item(value, path)
    if not is_code(text):
        raise FieldError(path, "a code (letters, digits, . _ / -; at most 48)", type_name(value))
    return text


def _medium(value: Any, path: str) -> Medium:
    if value not in set(Medium):
        raise FieldError(path, "one of " + ", ".join(Medium), type_name(value))
    return Medium(value)


def _wanted(value: Any, path: str) -> Wanted:
    if value not in set(Wanted):
        raise FieldError(path, "one of " + ", ".join(Wanted), type_name(value))
    return Wanted(value)


def _listener(value: Any, path: str, context: DraftContext) -> Listener:
    """A principal's name, or `{principal: …, person: personnel number}`; only the pseudonym of a number is kept."""
    if isinstance(value, dict):
        item = sub_row(value, path)
        principal = item.text("principal", default="")
        person = context.person(item.native_id("person")) if item.has("person") else ""
        item.done()
    else:
        principal, person = text_item(value, path), ""
    if principal and not PRINCIPAL_PATTERN.fullmatch(principal):
        raise FieldError(path, "the name of an account of the console", type_name(value))
    if not principal and not person:
        raise FieldError(path, "a principal, a person, or both", "neither")
    return Listener(principal=principal, person=person)


def _edge(row: Row, value: Any, name: str, zone: ZoneInfo) -> int:
    """A day (of `to` its end) or an RFC 3339 instant; 0 when absent, for the rules to refuse."""
    if not row.has(name):
        return 0
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise row.wrong(name, "a day that exists") from None
        return _local(day + timedelta(days=1) if name == "to" else day, time(), zone)
    return row.instant(name)


def _local(day: date, clock: time, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, clock, zone).timestamp()) * SECOND_US


def _periods(row: Row, zone: ZoneInfo, from_at: int, to_at: int) -> tuple[Period, ...]:
    """Periods in order: each an interval, or days of the week with hours, unfolded over the campaign."""
    found = row.items(
        "periods", lambda item, path: tuple(_period(sub_row(item, path), path, zone, from_at, to_at))
    )  # fmt: skip
    flat = sorted({period for group in found for period in group}, key=lambda each: (each.from_at, each.to_at))
    if len(flat) > MAX_PERIODS:
        raise FieldError(row.where("periods"), f"at most {MAX_PERIODS} periods", "more")
    return tuple(flat)


def _period(item: Row, path: str, zone: ZoneInfo, from_at: int, to_at: int) -> Iterator[Period]:
    if not item.has("weekly"):
        period = Period(from_at=item.instant("from"), to_at=item.instant("to"))
        item.done()
        yield period
        return
    days = item.items("weekly", _weekday)
    begins, ends = _clock(item, "from"), _clock(item, "to")
    item.done()
    if not from_at or not to_at:
        raise FieldError(f"{path}.weekly", "a campaign with first and last day", "a campaign without")
    day, last = (datetime.fromtimestamp(at // SECOND_US, zone).date() for at in (from_at, to_at - 1))
    if (last - day).days > MAX_PERIODS * 7:
        raise FieldError(f"{path}.weekly", f"at most {MAX_PERIODS} periods", "more")
    while day <= last:
        if WEEKDAYS[day.weekday()] in days:
            start, stop = _local(day, begins, zone), _local(day, ends, zone)
            if from_at <= start and stop <= to_at:
                yield Period(from_at=start, to_at=stop)
        day += timedelta(days=1)


def _weekday(value: Any, path: str) -> str:
    if value not in WEEKDAYS:
        raise FieldError(path, "one of " + ", ".join(WEEKDAYS), type_name(value))
    return str(value)


def _clock(item: Row, name: str) -> time:
    found = _CLOCK.fullmatch(item.text(name, expected="a time of day"))
    if not found:
        raise item.wrong(name, "a time of day such as 09:00")
    return time(int(found[1]), int(found[2]))


def refuse_unreadable(error: FieldError) -> RefusedError:
    """The one sentence of an unreadable draft, as the commands and the console refuse it."""
    return RefusedError("campaign_unreadable", f"{error.field}: expected {error.expected}, found {error.found}")

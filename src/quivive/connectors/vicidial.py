"""VICIdial: its call logs, agent log, callbacks and leads become contacts.

Opened by the connector registry; fed with rows of `vicidial_log`, `vicidial_closer_log`, `vicidial_agent_log`,
`vicidial_callbacks` and `vicidial_list` (or their archives), in any mixture and order: the columns tell the table.
Windows come from the epoch columns; local dates are read in the declared zone only where there is no epoch. Must
never keep a comment, a name or an address of a lead.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from quivive.connectors.asterisk.when import corrected, moment
from quivive.connectors.contact_book import ContactBook, Draft, Part, TelephonySettings, merged_parts
from quivive.connectors.model import Record, Refusal
from quivive.model.clock import SECOND_US

_NOBODY: Final = frozenset({"", "VDAD", "VDCL", "DIALER", "NONE"})
"""Users under which the dialler itself writes."""
_TRUNK_ZERO: Final = frozenset({"39", "225", "242"})
"""Countries whose national numbers keep their leading zero in international form."""
_CALL, _AGENT, _CALLBACK, _LEAD = "call", "agent", "callback", "list_member"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fact:
    """One row. Instants in microseconds, 0 when the row does not tell."""

    at: int
    source: str
    row: str = ""  # which row of its table: a row is rewritten in place, and its latest state counts
    agent: str = ""
    lead: str = ""
    queue: str = ""
    campaign: str = ""
    phone: str = ""
    inbound: bool = False
    talk_at: int = 0
    hung_up_at: int = 0
    wrapped_at: int = 0
    due_at: int = 0
    open: bool = True


class VicidialTranslator(ContactBook[_Fact]):
    """Joins the rows of one call by its unique id; rows without one stand alone."""

    def __init__(self, settings: TelephonySettings) -> None:
        super().__init__(settings)
        self._zone = ZoneInfo(settings.timezone)

    def complete_to(self) -> int:
        """Nothing can be told: rows are rewritten in place until the disposition is chosen."""
        return 0

    def read(self, record: Record) -> Refusal | None:
        """Take one row of any of the five tables."""
        fields = {name.lower(): value for name, value in record.fields.items()}
        if "agent_log_id" in fields:
            contact, fact = self._agent_log(fields)
        elif "callback_id" in fields:
            contact, fact = f"callback-{_text(fields, 'callback_id')}", self._callback(fields)
        elif "start_epoch" in fields and "uniqueid" in fields:
            contact, fact = _text(fields, "uniqueid"), self._call_log(fields)
        elif "entry_date" in fields and "lead_id" in fields:
            contact, fact = f"lead-{_text(fields, 'lead_id')}", self._lead(fields)
        else:
            expected = "columns of a VICIdial log, of callbacks or of leads"
            return Refusal(number=record.number, field="uniqueid", expected=expected, found="another table")
        if fact is None:
            return None
        if not fact.at:
            expected = "an epoch, or a date and time"
            return Refusal(number=record.number, field="start_epoch", expected=expected, found="nothing")
        self.add(contact, fact, fact.at, record.number)
        return None

    def build(self, contact: str, facts: Iterable[_Fact]) -> Draft | None:
        """Unite the rows of one call; of a row rewritten in place the fullest counts."""
        ordered = sorted(
            facts, key=lambda row: (row.at, row.source, row.row, row.agent, row.hung_up_at, row.wrapped_at)
        )
        rows = list({(row.source, row.row): row for row in ordered}.values())
        draft = Draft(kind=_kind(contact))
        last = rows[-1]
        draft.queue = next((row.queue for row in rows if row.queue), "")
        draft.campaign = next((row.campaign for row in rows if row.campaign), "")
        draft.phone = next((row.phone for row in rows if row.phone), "")
        draft.records = self._settings.record(next((row.lead for row in rows if row.lead), ""))
        if draft.kind == _CALLBACK:
            draft.parts = [Part(agent=last.agent, from_at=last.talk_at)] if last.agent else []
            draft.self_made = True
            closed_at = 0 if last.open else last.at
            draft.instants = {"opened_at": rows[0].talk_at, "due_at": last.due_at, "closed_at": closed_at}
            return draft
        if draft.kind == _LEAD:
            draft.instants = {"opened_at": rows[0].talk_at}
            return draft
        self._place(draft, rows)
        return draft

    def _place(self, draft: Draft, rows: list[_Fact]) -> None:
        draft.direction = "inbound" if any(row.inbound for row in rows) else "outbound"
        logged = {row.agent for row in rows if row.source == _AGENT}
        spoken = [row for row in rows if row.agent and (row.source == _AGENT or row.agent not in logged)]
        draft.parts = merged_parts(Part(agent=row.agent, from_at=row.talk_at, to_at=row.hung_up_at) for row in spoken)
        ended_at = max(row.hung_up_at for row in rows)
        offers = [part.from_at for part in draft.parts]
        talks = [row.talk_at for row in spoken if row.talk_at]
        draft.over = bool(ended_at)
        draft.instants = {
            "offered_at": min(offers, default=rows[0].talk_at),
            "started_at": min(talks, default=0),
            "ended_at": ended_at,
            "wrapped_at": max(row.wrapped_at for row in rows),
        }

    def _agent_log(self, fields: Mapping[str, Any]) -> tuple[str, _Fact | None]:
        """Talk begins, the agent hangs up when the disposition begins, and has wrapped up when it ends."""
        talk_at, dispo_at = _epoch(fields, "talk_epoch"), _epoch(fields, "dispo_epoch")
        talked = _seconds(fields, "talk_sec")
        unique = _text(fields, "uniqueid")
        contact = unique or f"agent-log-{_text(fields, 'agent_log_id')}"
        if not talk_at or _text(fields, "lead_id") in ("", "0"):
            return contact, None  # he waited or paused: no contact, and no measure of him
        hung_up_at = dispo_at or (talk_at + talked if talked else 0)
        wrapped_at = dispo_at + _seconds(fields, "dispo_sec") if dispo_at and _seconds(fields, "dispo_sec") else 0
        fact = _Fact(
            at=max(talk_at, hung_up_at, wrapped_at),
            source=_AGENT,
            row=_text(fields, "agent_log_id"),
            agent=_user(fields),
            lead=_text(fields, "lead_id"),
            campaign=_text(fields, "campaign_id"),
            talk_at=talk_at,
            hung_up_at=hung_up_at,
            wrapped_at=wrapped_at,
        )
        return contact, fact

    def _call_log(self, fields: Mapping[str, Any]) -> _Fact:
        """`vicidial_closer_log` is inbound and waits in a queue; `vicidial_log` is outbound."""
        inbound = "closecallid" in fields or "queue_seconds" in fields
        start_at, end_at = _epoch(fields, "start_epoch"), _epoch(fields, "end_epoch")
        waited = _seconds(fields, "queue_seconds")
        group = _text(fields, "campaign_id")
        return _Fact(
            at=max(start_at, end_at),
            source=_CALL,
            row=_text(fields, "closecallid") or "outbound",
            agent=_user(fields),
            lead=_text(fields, "lead_id"),
            queue=group if inbound else "",
            campaign="" if inbound else group,
            phone=_phone(fields),
            inbound=inbound,
            talk_at=start_at + waited if start_at else 0,
            hung_up_at=end_at,
        )

    def _callback(self, fields: Mapping[str, Any]) -> _Fact:
        made_at, due_at = self._local(fields, "entry_time"), self._local(fields, "callback_time")
        status = _text(fields, "status").upper()
        return _Fact(
            at=max(made_at, self._local(fields, "modify_date")),
            source=_CALLBACK,
            agent=_user(fields) if _text(fields, "recipient").upper() != "ANYONE" else "",
            lead=_text(fields, "lead_id"),
            campaign=_text(fields, "campaign_id"),
            talk_at=made_at,
            due_at=due_at,
            open=status in ("ACTIVE", "LIVE", ""),
        )

    def _lead(self, fields: Mapping[str, Any]) -> _Fact:
        entered_at = self._local(fields, "entry_date")
        return _Fact(
            at=max(entered_at, self._local(fields, "modify_date")),
            source=_LEAD,
            lead=_text(fields, "lead_id"),
            campaign=_text(fields, "list_id"),
            phone=_phone(fields),
            talk_at=entered_at,
        )

    def _local(self, fields: Mapping[str, Any], name: str) -> int:
        found = moment(_text(fields, name) or None)
        if found is None:
            return 0
        return corrected(found[0], None, self._zone) if found[1] else found[0]


def _kind(contact: str) -> str:
    return {"callback": _CALLBACK, "lead": _LEAD}.get(contact.partition("-")[0], _CALL)


def _phone(fields: Mapping[str, Any]) -> str:
    """Join country code and national number; a number without code stays as it is, for the region to tell."""
    code, number = _text(fields, "phone_code"), _text(fields, "phone_number")
    if not code.isdigit() or not number.isdigit():
        return number
    return f"+{code}{number if code in _TRUNK_ZERO else number.lstrip('0')}"


def _user(fields: Mapping[str, Any]) -> str:
    user = _text(fields, "user")
    return "" if user.upper() in _NOBODY else user


def _epoch(fields: Mapping[str, Any], name: str) -> int:
    found = moment(_text(fields, name) or None)
    return found[0] if found and not found[1] else 0


def _seconds(fields: Mapping[str, Any], name: str) -> int:
    text = _text(fields, name).partition(".")[0]
    return int(text) * SECOND_US if text.isascii() and text.isdigit() and len(text) <= 6 else 0


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return "" if value is None else str(value).strip()

"""Rows about contacts (calls, tickets, reviews, runs…) and heartbeats become bodies (docs/access-api.md).

Called by `quivive.intake` for `POST /v1/contacts` and `/v1/heartbeats`. Pure: time and policy are
arguments. Must never keep a telephone number, a name, a login or a consent's reference: they leave as keyed
pseudonyms, and an agent who was not informed leaves as "".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from quivive.model.access import LinkBody
from quivive.model.clock import MINUTE_US
from quivive.model.contact import ContactBody, ContactKind, Direction, HeartbeatBody, Leg, LegRole, SubjectRef
from quivive.model.errors import RefusedError
from quivive.model.gate import CapturePolicy
from quivive.privacy.pseudonym import ControllerKeys, agent_key, consent_key, contact_key
from quivive.privacy.subject import RECORD_KIND, KeyedRecord, SubjectKeyer, links_to_person
from quivive.rows import MAX_TEXT, FieldError, Row, sub_row, text_item

MAX_AHEAD_US: Final = 10 * MINUTE_US
"""How far a sender's clock may run ahead of ours, microseconds; only `due_at` may lie in the future."""
MAX_LEGS: Final = 64
"""Legs of one contact: agents a call passed through; more is a loop of transfers or a mistake."""
MAX_SUBJECTS: Final = 64
"""Identities of one contact: a household and its contracts; more would explain anything."""

_LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#-]{0,31}")
_LONG_DIGITS: Final = re.compile(r"\d{9}")
_SEPARATED_DIGITS: Final = re.compile(r"[\d._:/#-]+")  # a telephone number written with separators, a date of birth

_PAST: Final = (
    "preview_at",
    "offered_at",
    "started_at",
    "ended_at",
    "wrapped_at",
    "opened_at",
    "assigned_at",
    "touched_at",
    "closed_at",
)
_BEGINS: Final = ("preview_at", "offered_at", "started_at", "assigned_at", "opened_at")
_ENDS: Final = ("wrapped_at", "ended_at", "closed_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactContext:
    """What is settled before the row: the login space of the source and the controller's keys."""

    namespace: str
    keyer: SubjectKeyer


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedContact:
    """One row. `at` is its latest past instant: a ticket touched today belongs to today, however old."""

    at: int
    body: ContactBody
    links: tuple[LinkBody, ...]


def map_contact(row: Row, context: ContactContext, policy: CapturePolicy, now: int) -> MappedContact:
    """Map one version of a contact; the caller has read `controller`.

    Raises:
        FieldError: the first field that is wrong.
    """
    native = row.native_id()
    version = row.integer("version")
    kind = row.choice("kind", ContactKind)
    direction = row.choice("direction", Direction, default=_DEFAULT_DIRECTION[kind])
    namespace = row.text("namespace", default=context.namespace, expected="a login space")
    team, campaign, queue = (row.code(name, default="") for name in ("team", "campaign", "queue"))
    times = {name: row.instant(name, default=0, latest=now + MAX_AHEAD_US) for name in _PAST}
    due_at = row.instant("due_at", default=0)
    at = max(times.values()) or min(due_at, now)
    if not at:
        raise FieldError(row.where("started_at"), "at least one instant of the contact", "nothing")
    legs = _legs(row, _Logins(context.keyer.keys, namespace, policy), times, at, now + MAX_AHEAD_US)
    account = _only(row, kind, "account", ContactKind.JOB, "a login")
    consent = _only(row, kind, "consent", ContactKind.LIST_MEMBER, "a reference")
    consent_expires_at = row.instant("consent_expires_at", default=0)
    if consent_expires_at and not consent:
        raise FieldError(row.where("consent"), "the reference of the consent that expires", "nothing")
    subjects, links = _subjects(row, context.keyer)
    self_made = row.boolean("self_made", default=False)
    row.done()
    body = ContactBody(
        contact=contact_key(context.keyer.keys, native),
        version=version,
        contact_kind=kind,
        direction=direction,
        label=contact_label(native) if policy.active else "",
        legs=legs,
        team=team,
        campaign=campaign,
        queue=queue,
        # In dry no key of a customer passes; whether the call was identified at all is a quality figure.
        subjects=subjects if policy.active else (),
        identified=bool(subjects),
        self_made=self_made,
        due_at=due_at,
        # A service account is no person; what names one stays out of a dry trace all the same.
        account=agent_key(context.keyer.keys, namespace, account) if account and policy.active else "",
        consent=consent_key(context.keyer.keys, consent) if consent and policy.active else "",
        consent_expires_at=consent_expires_at,
        **times,
    )
    return MappedContact(at=at, body=body, links=links if policy.active else ())


def map_heartbeat(row: Row, now: int) -> HeartbeatBody:
    """Map `{"complete_to": …}`: the sender delivered everything up to that instant.

    Raises:
        FieldError: no instant, or one in the future (it would make a silent source look complete).
    """
    complete_to = row.instant("complete_to", latest=now + MAX_AHEAD_US)
    row.done()
    return HeartbeatBody(complete_to=complete_to)


def contact_label(native_id: str) -> str:
    """Return the native reference a reader may see ("A-9917"), or "" when it could be a person's number or name.

    Kept: at most 32 of letters, digits and . _ : / # -, with a letter and a digit, no run of more than 8 digits.
    """
    if not _LABEL.fullmatch(native_id) or _LONG_DIGITS.search(native_id) or _SEPARATED_DIGITS.fullmatch(native_id):
        return ""
    return native_id if any(map(str.isdigit, native_id)) else ""


_DEFAULT_DIRECTION: Final = {
    **dict.fromkeys(ContactKind, Direction.INTERNAL),
    ContactKind.CALL: None,
    ContactKind.CALLBACK: Direction.OUTBOUND,
    ContactKind.LIST_MEMBER: Direction.OUTBOUND,
    ContactKind.CONVERSATION: Direction.INBOUND,
}


def _only(row: Row, kind: ContactKind, name: str, of: ContactKind, expected: str) -> str:
    """Read a text that only one kind of contact has."""
    found = row.text(name, default="", expected=expected)
    if found and kind is not of:
        raise FieldError(row.where(name), f"nothing but for the kind `{of}`", "a text")
    return found


@dataclass(frozen=True, slots=True)
class _Logins:
    """Turns the logins of one row into agent keys, those that the policy lets pass."""

    keys: ControllerKeys
    namespace: str
    policy: CapturePolicy

    def kept(self, login: str, at: int) -> str:
        """Return the key of a login, or "" when its holder may not be kept at that instant."""
        key = agent_key(self.keys, self.namespace, login)
        return key if self.policy.agent_may_be_kept(key, at) else ""


def _legs(row: Row, logins: _Logins, times: dict[str, int], at: int, latest: int) -> tuple[Leg, ...]:
    def leg(value: Any, path: str) -> Leg:
        item = sub_row(value, path)
        from_at = item.instant("from", default=0, latest=latest)
        to_at = item.instant("to", default=0, latest=latest)
        login = item.text("agent", expected="a login")
        role = item.choice("role", LegRole, default=LegRole.AGENT)
        item.done()
        if to_at and to_at < from_at:
            raise FieldError(f"{path}.to", "an instant not before `from`", "an earlier instant")
        return Leg(agent=logins.kept(login, from_at or at), from_at=from_at, to_at=to_at, role=role)

    legs = row.items("legs", leg)
    if len(legs) > MAX_LEGS:
        raise FieldError(row.where("legs"), f"at most {MAX_LEGS} legs", "a longer array")
    login = row.text("agent", default="", expected="a login")
    if not login:
        return legs
    begins = [times[name] for name in _BEGINS if times[name]]
    ends = [times[name] for name in _ENDS if times[name]]
    from_at = min(begins, default=0)
    own = logins.kept(login, from_at or at)
    if legs and (not own or any(each.agent == own for each in legs)):
        return legs
    return (*legs, Leg(agent=own, from_at=from_at, to_at=max(ends, default=0)))


def _subjects(row: Row, keyer: SubjectKeyer) -> tuple[tuple[SubjectRef, ...], tuple[LinkBody, ...]]:
    records = row.items("records", _reader(keyer))
    identities = [found for found in row.items("identities", lambda v, p: _identity(keyer, v, p)) if found]
    phone = row.text("phone", default="", expected="a telephone number")
    if phone and (found := keyer.identity("phone", phone)):
        identities.append(found)
    references = [SubjectRef(kind=RECORD_KIND, key=record.key) for record in records] + identities
    subjects = tuple(dict.fromkeys(references))
    if len(subjects) > MAX_SUBJECTS:
        raise FieldError(row.where("records"), f"at most {MAX_SUBJECTS} identities of one contact", "a longer array")
    return subjects, links_to_person(records, identities)


def _reader(keyer: SubjectKeyer) -> Callable[[Any, str], KeyedRecord]:
    def read(value: Any, path: str) -> KeyedRecord:
        text = text_item(value, path)
        try:
            return keyer.record(text)
        except RefusedError:
            raise FieldError(path, "a record of the controller's catalogue as table:key", "string") from None

    return read


def _identity(keyer: SubjectKeyer, value: Any, path: str) -> SubjectRef | None:
    item = sub_row(value, path)
    kind, text = item.text("kind"), item.native_id("value")
    item.done()
    if kind not in keyer.kinds():
        raise FieldError(f"{path}.kind", "one of " + ", ".join(sorted(keyer.kinds())), "string")
    if len(text) > MAX_TEXT:
        raise FieldError(f"{path}.value", f"at most {MAX_TEXT} characters", "a longer text")
    return keyer.identity(kind, text)

"""Calls, tickets and callbacks, and the people of the operator (DESIGN §5; contact-centre reference §2).

Built by the intake, projected and used as reasons. Must never hold a phone number, a name or a
login: they are keyed pseudonyms before they reach the spool.
"""

from dataclasses import dataclass
from enum import StrEnum


class ContactKind(StrEnum):
    """What may be a reason to open a record. Everything but a call is carried by people's work, not by a line."""

    CALL = "call"
    TICKET = "ticket"
    CALLBACK = "callback"
    CONVERSATION = "conversation"  # chat, e-mail, social network
    LIST_MEMBER = "list_member"  # a customer on a dialler's list, allocated to an agent
    WORK_ITEM = "work_item"  # a back-office item handed out to an agent
    DUPLICATE = "duplicate"  # a task to merge records of one person
    REVIEW = "review"  # a quality review of a contact with this customer
    REQUEST = "request"  # complaint, data-subject request, legal request
    ENQUIRY = "enquiry"  # fraud or security enquiry, under four eyes
    TRAINING = "training"  # a session: the learner works beside a colleague
    ASSISTANCE = "assistance"  # a colleague asked for help
    JOB = "job"  # a declared run of a service account


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectRef:
    """One identity a contact carries: `kind` `record`, `phone`, `email` or a declared alternate kind; `key` hex."""

    kind: str
    key: str


class LegRole(StrEnum):
    """What an agent does in a contact. Only AGENT and CONSULT speak with the customer."""

    AGENT = "agent"
    CONSULT = "consult"  # called in by a colleague, before or without a transfer
    MONITOR = "monitor"  # listens, whispers or barges in
    LEARNER = "learner"  # sits beside
    HELPER = "helper"  # helps from his own place


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One agent's part in a contact (transfer and conference give several). 0 means not known yet."""

    agent: str
    from_at: int
    to_at: int
    role: LegRole = LegRole.AGENT


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactBody:
    """Body of a `contact` entry: one version of one contact; the highest version is current.

    Instants are microseconds UTC, 0 when absent. For calls: preview_at (record shown before dialling),
    offered_at, started_at (connected), ended_at (hang-up), wrapped_at (after-call work ended).
    For tickets: opened_at, assigned_at, touched_at (last work), closed_at. For callbacks: due_at.
    `self_made`: the agent created it himself (weaker evidence). `identified`: at least one subject key.
    `label` is the native reference shown to a reader ("A-9917"), only if its pattern holds no digit run
    longer than 8, otherwise "".
    `account`: AgentKey of the service account of a `job`. `consent_expires_at`: of a `list_member`, 0 when no
    consent was stated; `consent` is the keyed reference of its proof, 32 hex digits or "".
    """

    contact: str
    version: int
    contact_kind: ContactKind
    direction: Direction
    label: str
    legs: tuple[Leg, ...]
    team: str
    campaign: str
    queue: str
    subjects: tuple[SubjectRef, ...]
    identified: bool
    self_made: bool
    preview_at: int
    offered_at: int
    started_at: int
    ended_at: int
    wrapped_at: int
    opened_at: int
    assigned_at: int
    touched_at: int
    closed_at: int
    due_at: int
    account: str = ""
    consent: str = ""
    consent_expires_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatBody:
    """Body of `heartbeat`: the source is alive and has delivered everything up to `complete_to`."""

    complete_to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRef:
    """A login of a person in one system of one controller, valid from–to (0 = open); recycled, it inherits nothing."""

    controller: str
    namespace: str
    agent: str
    valid_from: int
    valid_to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentBody:
    """Body of `directory.agent` (operator's log): one version of one person, without name or login.

    `informed_at` 0 = not informed: accesses before it are never linked to the person (DESIGN §11).
    `controllers`: controllers the agent is assigned to.
    """

    person: str
    version: int
    employer: str
    establishment: str
    country: str
    site: str
    team: str
    controllers: tuple[str, ...]
    accounts: tuple[AccountRef, ...]
    informed_at: int
    active_from: int
    active_to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftBody:
    """Body of `roster.shift` (operator's log): a person is planned from–to; `cancelled` withdraws it."""

    shift: str
    version: int
    person: str
    from_at: int
    to_at: int
    cancelled: bool

"""What the recording gate decides from: a snapshot of the register, made by the core, read by the edge (DESIGN §10).

`snapshot` is pure; `core.recording_policy` writes it to `run/gate.json`, `quivive gate` reads it. Default deny: what is
not in here may not be recorded. Must never hold a name, a login or a reason why somebody is protected, and on doubt
(no active gate, an account held by two people, no proof of notice) leave out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from quivive.model.clock import DAY_US, MINUTE_US
from quivive.model.contact import AgentBody
from quivive.model.errors import StorageError
from quivive.model.gate import GateBody, GateState, Module
from quivive.model.recording import Medium, Purpose
from quivive.model.recording_register import (
    PROVEN,
    CampaignBody,
    CampaignState,
    Listener,
    NeutralisedBody,
    NeutralisedScope,
    NoticeBody,
    Payment,
    Period,
    Trigger,
)

POLICY_FORMAT: Final = 1
MAX_POLICY_BYTES: Final = 64 << 20
"""Bytes of `run/gate.json`: 50 campaigns × 10,000 agents × about 50 bytes of notice, with room to spare."""
GOOD_FOR_US: Final = 15 * MINUTE_US
"""The gate answers on while the core is down, but not for longer: an ended campaign or an objection must reach it."""
KEPT_AFTER_END_US: Final = DAY_US
"""A campaign stays in the snapshot one day after its end, so that the gate can say `outside_period`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCampaign:
    """What the gate needs of one announced campaign.

    `informed`: PersonKey → since when this person may be recorded or listened to (proof of notice plus lead time);
    a person who is absent has no proof of notice. The other fields are those of `CampaignBody`.
    """

    campaign: str
    version: int
    controller: str
    purpose: Purpose
    media: tuple[Medium, ...]
    trigger: Trigger
    sites: tuple[str, ...]
    teams: tuple[str, ...]
    queues: tuple[str, ...]
    from_at: int
    to_at: int
    periods: tuple[Period, ...]
    share_permille: int
    cap_month: int
    listeners: tuple[Listener, ...]
    announcement: str
    payment: Payment
    informed: dict[str, int]

    def within(self, at: int) -> bool:
        """Tell whether `at` lies inside an announced period (its end excluded)."""
        return any(period.from_at <= at < period.to_at for period in self.periods)

    def concerns(self, person: "GatePerson", queue: str) -> bool:
        """Tell whether this person and queue belong to its population; an empty list is all."""
        return (
            (not self.sites or person.site in self.sites)
            and (not self.teams or person.team in self.teams)
            and (not self.queues or queue in self.queues)
        )

    def may_listen(self, *, principal: str = "", person: str = "") -> bool:
        """Tell whether this principal or person is named to listen."""
        return any(
            (bool(principal) and listener.principal == principal) or (bool(person) and listener.person == person)
            for listener in self.listeners
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePerson:
    """A person of the directory. `active`: the recordings module of the establishment is active."""

    site: str
    team: str
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePolicy:
    """The whole snapshot. Instants in microseconds UTC.

    Fields:
        made_at: when the core made it. good_until: from then on every answer is `policy_stale`.
        campaigns: announced ones. people: PersonKey → person, of establishments with people.
        accounts: AgentKey → PersonKey of its one present holder.
        neutralised_people, neutralised_lines: tokens nobody may record; PersonKeys and keys of lines.
    """

    format: int = POLICY_FORMAT
    made_at: int = 0
    good_until: int = 0
    campaigns: tuple[GateCampaign, ...] = ()
    people: dict[str, GatePerson] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    neutralised_people: tuple[str, ...] = ()
    neutralised_lines: tuple[str, ...] = ()


NOTHING: Final = GatePolicy()
"""What a gate applies until it has read a policy: everything is denied."""


def snapshot(
    campaigns: Iterable[CampaignBody],
    notices: Iterable[NoticeBody],
    neutralised: Iterable[NeutralisedBody],
    at: int,
    *,
    people: Iterable[AgentBody] = (),
    gates: Iterable[GateBody] = (),
    good_for_us: int = GOOD_FOR_US,
) -> GatePolicy:
    """Make the policy of the instant `at`. Each iterable may hold every version ever written, in any order but `gates`.

    `gates` in ledger order: the last state of an establishment's recordings module counts.
    """
    proven = _proven(notices)
    current = _newest_people(people)
    active = _active(gates)
    persons = {
        person.person: GatePerson(
            site=person.site, team=person.team, active=(person.employer, person.establishment) in active
        )
        for person in current
        if person.active_from <= at and (not person.active_to or at < person.active_to)
    }
    return GatePolicy(
        made_at=at,
        good_until=at + good_for_us,
        campaigns=tuple(
            _gate_campaign(body, proven) for body in in_force(campaigns) if at < body.to_at + KEPT_AFTER_END_US
        ),
        people=dict(sorted(persons.items())),
        accounts=_accounts(current, persons, at),
        neutralised_people=_tokens(neutralised := list(neutralised), NeutralisedScope.PERSON, at),
        neutralised_lines=_tokens(neutralised, NeutralisedScope.LINE, at),
    )


def in_force(campaigns: Iterable[CampaignBody]) -> list[CampaignBody]:
    """Announced campaigns, by name: of each the highest version that was announced, unless a later one ended it.

    A version that is refused or waits for its second person changes nothing yet.
    """
    newest: dict[str, CampaignBody] = {}
    for body in campaigns:
        if body.state not in {CampaignState.ANNOUNCED, CampaignState.ENDED}:
            continue
        known = newest.get(body.campaign)
        if known is None or _rank(body) > _rank(known):
            newest[body.campaign] = body
    return [body for _, body in sorted(newest.items()) if body.state is CampaignState.ANNOUNCED]


def _rank(body: CampaignBody) -> tuple[int, bool]:
    return body.version, body.state is CampaignState.ENDED


def _gate_campaign(body: CampaignBody, proven: Mapping[tuple[str, int], Mapping[str, int]]) -> GateCampaign:
    told = proven.get((body.campaign, body.version), {})
    return GateCampaign(
        campaign=body.campaign,
        version=body.version,
        controller=body.controller,
        purpose=Purpose(body.purpose),
        media=body.media,
        trigger=body.trigger,
        sites=body.sites,
        teams=body.teams,
        queues=body.queues,
        from_at=body.from_at,
        to_at=body.to_at,
        periods=body.periods,
        share_permille=body.share_permille,
        cap_month=body.cap_month,
        listeners=body.listeners,
        announcement=body.announcement,
        payment=body.payment,
        informed={person: at + body.lead_us for person, at in sorted(told.items())},
    )


def _proven(notices: Iterable[NoticeBody]) -> dict[tuple[str, int], dict[str, int]]:
    """First proof of notice of each person for each campaign version."""
    found: dict[tuple[str, int], dict[str, int]] = {}
    for notice in notices:
        if notice.state in PROVEN:
            told = found.setdefault((notice.campaign, notice.version), {})
            told[notice.person] = min(notice.at, told.get(notice.person, notice.at))
    return found


def _newest_people(people: Iterable[AgentBody]) -> list[AgentBody]:
    newest: dict[str, AgentBody] = {}
    for person in people:
        known = newest.get(person.person)
        if known is None or person.version > known.version:
            newest[person.person] = person
    return list(newest.values())


def _active(gates: Iterable[GateBody]) -> frozenset[tuple[str, str]]:
    last = {(g.employer, g.establishment): g.state for g in gates if g.module is Module.RECORDINGS}
    return frozenset(place for place, state in last.items() if state is GateState.ACTIVE)


def _accounts(people: Iterable[AgentBody], present: Mapping[str, GatePerson], at: int) -> dict[str, str]:
    """Accounts with exactly one holder now; a shared or recycled one names nobody."""
    holders: dict[str, set[str]] = {}
    for person in people:
        if person.person in present:
            for account in person.accounts:
                if account.valid_from <= at and (not account.valid_to or at < account.valid_to):
                    holders.setdefault(account.agent, set()).add(person.person)
    return {agent: next(iter(held)) for agent, held in sorted(holders.items()) if len(held) == 1}


def _tokens(neutralised: Iterable[NeutralisedBody], scope: NeutralisedScope, at: int) -> tuple[str, ...]:
    """Tokens taken out now; the last word on a token counts, in the order given."""
    last = {body.token: body for body in neutralised if body.scope is scope}
    return tuple(
        sorted(
            token
            for token, body in last.items()
            if not body.removed and body.from_at <= at and (not body.to_at or at < body.to_at)
        )
    )


_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_DECODER: Final = msgspec.json.Decoder(GatePolicy)


def encode_policy(policy: GatePolicy) -> bytes:
    """Encode for `run/gate.json`: sorted keys, so that an unchanged policy gives unchanged bytes."""
    return _ENCODER.encode(policy)


def decode_policy(data: bytes) -> GatePolicy:
    """Decode `run/gate.json`.

    Raises:
        StorageError: too large, not the expected JSON, or a newer format; the reader keeps `NOTHING`.
    """
    if len(data) > MAX_POLICY_BYTES:
        raise StorageError(f"gate policy: expected at most {MAX_POLICY_BYTES} bytes, found {len(data)}")
    try:
        policy = _DECODER.decode(data)
    except (msgspec.DecodeError, RecursionError):
        raise StorageError("gate policy: expected the JSON this version writes, found something else") from None
    if policy.format != POLICY_FORMAT:
        raise StorageError(f"gate policy: expected format {POLICY_FORMAT}, found {policy.format}: upgrade this gate")
    return policy

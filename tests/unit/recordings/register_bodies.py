"""Bodies for tests of the register: a campaign that every rule accepts, and what goes with it."""

from dataclasses import replace

from quivive.model.clock import DAY_US, HOUR_US
from quivive.model.contact import AccountRef, AgentBody
from quivive.model.gate import GateBody, GateState, Module
from quivive.model.recording import Medium
from quivive.model.recording_register import (
    CampaignBody,
    CampaignState,
    LegalBasis,
    Listener,
    NoticeBody,
    NoticeChannel,
    NoticeState,
    Payment,
    Period,
    Trigger,
)

NOW = 1_790_000_000_000_000
LISTENER = "1" * 32
ANNE, BEN = "a" * 32, "b" * 32
ANNE_LOGIN, BEN_LOGIN = "aa" * 16, "bb" * 16

CAMPAIGN = CampaignBody(
    campaign="formation-aurore",
    version=1,
    state=CampaignState.PROPOSED,
    controller="aurore",
    purpose="training",
    media=(Medium.RECORDING,),
    basis=LegalBasis.LEGITIMATE_INTEREST,
    legal_text="",
    necessity="",
    sites=("nord",),
    teams=(),
    queues=(),
    outbound_sale=False,
    trigger=Trigger.SAMPLE,
    from_at=NOW + 10 * DAY_US,
    to_at=NOW + 24 * DAY_US,
    periods=(Period(from_at=NOW + 10 * DAY_US, to_at=NOW + 10 * DAY_US + 3 * HOUR_US),),
    share_permille=30,
    cap_month=5,
    listeners=(Listener(principal="evaluator-1", person=LISTENER),),
    retention_days=30,
    analysis_days=365,
    announcement="aurore-2026-3",
    announcement_sha256="",
    objection=True,
    neutralisation=True,
    payment=Payment.NONE,
    wanted=(),
    lead_us=7 * DAY_US,
    proposed_by="evaluator-1",
    approved_by="",
    refusals=(),
    demonstration=False,
)
ANNOUNCED = replace(CAMPAIGN, state=CampaignState.ANNOUNCED, approved_by="dpo-1")
ACTIVE = GateBody(
    employer="qualis",
    establishment="nord",
    module=Module.RECORDINGS,
    state=GateState.ACTIVE,
    reference="CSE 2026-09",
    demonstration=False,
)


def agent(person, login, *, version=1, site="nord", team="a", active_to=0):
    """One person of the directory with one account at Aurore."""
    return AgentBody(
        person=person,
        version=version,
        employer="qualis",
        establishment="nord",
        country="FR",
        site=site,
        team=team,
        controllers=("aurore",),
        accounts=(
            AccountRef(controller="aurore", namespace="telephony", agent=login, valid_from=NOW - DAY_US, valid_to=0),
        ),
        informed_at=NOW - DAY_US,
        active_from=NOW - 30 * DAY_US,
        active_to=active_to,
    )


def notice(person, state=NoticeState.ACKNOWLEDGED, *, at=NOW, version=1, channel=NoticeChannel.CONSOLE):
    """One notice of the campaign."""
    return NoticeBody(
        notice="c" * 32,
        campaign="formation-aurore",
        version=version,
        controller="aurore",
        person=person,
        channel=channel,
        state=state,
        at=at,
        proof="",
        principal="evaluator-1",
    )

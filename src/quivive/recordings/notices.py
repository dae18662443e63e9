"""Who must be told of a campaign, who was, and since when that counts (R-10). Pure.

Called by the register, the notifier and the pages. A notice belongs to one version of one campaign: a changed campaign
needs a new one, and who joins in the middle gets one too. Must never take "sent" for "told": only a delivery, an
acknowledgement or a refusal to sign is proof.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from quivive.model.contact import AgentBody
from quivive.model.recording_register import PROVEN, CampaignBody, NoticeBody, NoticeChannel, NoticeState
from quivive.rows import FieldError

MAX_SHEET_LINES: Final = 20_000
"""Lines of one sign-in sheet: twice the largest site known."""
SIGNED: Final = {
    "signed": NoticeState.ACKNOWLEDGED,
    "signe": NoticeState.ACKNOWLEDGED,
    "signé": NoticeState.ACKNOWLEDGED,
}
REFUSED: Final = {"refused": NoticeState.REFUSED, "refuse": NoticeState.REFUSED, "refusé": NoticeState.REFUSED}
_ORDER: Final = (
    NoticeState.FAILED, NoticeState.SENT, NoticeState.DELIVERED, NoticeState.REFUSED, NoticeState.ACKNOWLEDGED,
)  # fmt: skip


def notice_id(campaign: str, version: int, person: str, channel: NoticeChannel) -> str:
    """Identifier of one notice: the same each time it is told again."""
    return sha256(f"notice\x1f{campaign}\x1f{version}\x1f{person}\x1f{channel}".encode()).hexdigest()[:32]


def concerns(campaign: CampaignBody, person: AgentBody, at: int) -> bool:
    """Tell whether a person belongs to a campaign's population and works here now, or will before its end."""
    serves = campaign.controller in person.controllers or any(
        account.controller == campaign.controller for account in person.accounts
    )
    present = person.active_from < campaign.to_at and (not person.active_to or at < person.active_to)
    return (
        serves
        and present
        and (not campaign.sites or person.site in campaign.sites)
        and (not campaign.teams or person.team in campaign.teams)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one person was told of one campaign version: the best state, its channel, and since when it is proof."""

    state: NoticeState
    channel: NoticeChannel
    at: int
    proven_at: int


def told(notices: Iterable[NoticeBody], campaign: CampaignBody) -> dict[str, Told]:
    """By PersonKey, what is known of this version; 0 in `proven_at` when there is no proof."""
    found: dict[str, Told] = {}
    for notice in notices:
        if (notice.campaign, notice.version) != (campaign.campaign, campaign.version):
            continue
        known = found.get(notice.person)
        proven = notice.at if notice.state in PROVEN else 0
        if known is not None:
            proven = min(filter(None, (proven, known.proven_at)), default=0)
        if known is None or _ORDER.index(notice.state) > _ORDER.index(known.state):
            found[notice.person] = Told(state=notice.state, channel=notice.channel, at=notice.at, proven_at=proven)
        else:
            found[notice.person] = Told(state=known.state, channel=known.channel, at=known.at, proven_at=proven)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Counts of one campaign version, never who. `effective`: may be recorded now, as far as notice goes."""

    concerned: int
    acknowledged: int
    delivered: int
    refused: int
    sent: int
    failed: int
    outstanding: int
    effective: int


def progress(
    campaign: CampaignBody, people: Iterable[AgentBody], notices: Iterable[NoticeBody], at: int
) -> Progress:  # fmt: skip
    """Count the persons concerned by the best state of their notice."""
    states = told(notices, campaign)
    wanted = [person.person for person in people if concerns(campaign, person, at)]
    known = [states[person] for person in wanted if person in states]
    count = {state: sum(each.state is state for each in known) for state in NoticeState}
    proven = [each.proven_at for each in known if each.proven_at]
    return Progress(
        concerned=len(wanted),
        acknowledged=count[NoticeState.ACKNOWLEDGED],
        delivered=count[NoticeState.DELIVERED],
        refused=count[NoticeState.REFUSED],
        sent=count[NoticeState.SENT],
        failed=count[NoticeState.FAILED],
        outstanding=len(wanted) - len(proven),
        effective=sum(since + campaign.lead_us <= at for since in proven),
    )


def due(
    campaigns: Iterable[CampaignBody],
    people: Iterable[AgentBody],
    notices: Iterable[NoticeBody],
    channel: NoticeChannel,
    at: int,
) -> Iterator[tuple[CampaignBody, str]]:
    """Campaigns in force × persons not told by this channel yet, nor with proof by another. Over campaigns: none."""
    people, notices = list(people), list(notices)
    for campaign in campaigns:
        if at >= campaign.to_at:
            continue
        states = told(notices, campaign)
        by_channel = {
            notice.person
            for notice in notices
            if (notice.campaign, notice.version, notice.channel) == (campaign.campaign, campaign.version, channel)
        }
        for person in people:
            key = person.person
            if key in by_channel or (key in states and states[key].proven_at) or not concerns(campaign, person, at):
                continue
            yield campaign, key


def notice_of(
    campaign: CampaignBody,
    person: str,
    channel: NoticeChannel,
    state: NoticeState,
    *,
    at: int,
    principal: str,
    proof: str = "",
) -> NoticeBody:
    """One state of one notice."""
    return NoticeBody(
        notice=notice_id(campaign.campaign, campaign.version, person, channel),
        campaign=campaign.campaign,
        version=campaign.version,
        controller=campaign.controller,
        person=person,
        channel=channel,
        state=state,
        at=at,
        proof=proof,
        principal=principal,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetLine:
    """One line of a sign-in sheet: a personnel number, still in clear, and whether the person signed."""

    number: str
    state: NoticeState


def read_sheet(data: bytes) -> tuple[SheetLine, ...]:
    """Read `personnel number;signed|refused` lines (`,` or `;`, French words too). The file itself is not kept.

    Raises:
        FieldError: the first line that cannot be read, by its number.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FieldError("line 1", "a table in UTF-8", "another encoding") from None
    delimiter = ";" if ";" in text else ","
    found: list[SheetLine] = []
    for number, cells in enumerate(csv.reader(io.StringIO(text), delimiter=delimiter), start=1):
        if not any(cell.strip() for cell in cells) or cells[0].lstrip().startswith("#"):
            continue
        if len(found) >= MAX_SHEET_LINES:
            raise FieldError(f"line {number}", f"at most {MAX_SHEET_LINES} lines", "more")
        word = cells[1].strip().casefold() if len(cells) > 1 else ""
        state = {**SIGNED, **REFUSED}.get(word)
        if not cells[0].strip() or state is None:
            raise FieldError(f"line {number}", "a personnel number, then signed or refused", "something else")
        found.append(SheetLine(number=cells[0].strip(), state=state))
    return tuple(found)


def proof_of(*parts: str) -> str:
    """Hash of what proves a delivery: a server's answer, a code, a file's own hash."""
    return sha256("\x1f".join(parts).encode()).hexdigest()

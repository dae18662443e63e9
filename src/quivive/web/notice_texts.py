"""The notice in words: what an e-mail, a calendar event, the kiosk and the own page say of one campaign.

Called by the notifier and the pages. Must never name a person: who listens is a number of named persons and their role.
"""

from quivive.model.clock import DAY_US
from quivive.model.recording_register import CampaignBody, Trigger
from quivive.recordings.calendar import Event
from quivive.web.i18n import Texts

MAX_PERIODS_WRITTEN = 40
"""Periods an e-mail lists; the own page and the calendar have them all."""


def media(texts: Texts, body: CampaignBody) -> str:
    """`enregistrement ponctuel, écoute en temps réel`."""
    return ", ".join(texts.say(f"medium.{medium}") for medium in body.media)


def period(texts: Texts, from_at: int, to_at: int) -> str:
    """One stretch: day once, clock twice; minutes, since nobody announces seconds."""
    begins, ends = texts.clock(from_at)[:5], texts.clock(to_at)[:5]
    if texts.day(from_at) == texts.day(to_at):
        return texts.say("notice.period", day=texts.weekday(from_at), begins=begins, ends=ends)
    return texts.say(
        "notice.period_days", first=texts.weekday(from_at), begins=begins, last=texts.weekday(to_at), ends=ends
    )  # fmt: skip


def mail_subject(texts: Texts, body: CampaignBody) -> str:
    """Subject of the e-mail."""
    return texts.say("notice.subject", purpose=texts.say(f"purpose.{body.purpose}"), begins=texts.day(body.from_at))


def mail_body(
    texts: Texts, body: CampaignBody, *, controller: str, operator: str, contact: str, console: str
) -> str:  # fmt: skip
    """The whole notice, in paragraphs."""
    listed = [f"  - {period(texts, each.from_at, each.to_at)}" for each in body.periods[:MAX_PERIODS_WRITTEN]]
    if len(body.periods) > MAX_PERIODS_WRITTEN:
        listed.append("  - " + texts.say("notice.more", count=texts.number(len(body.periods) - MAX_PERIODS_WRITTEN)))
    parts = [
        texts.say("notice.opening", operator=operator, controller=controller, media=media(texts, body)),
        why(texts, body),
        texts.say("notice.periods") + "\n" + "\n".join(listed),
        texts.say(
            "notice.kept",
            days=texts.number(body.retention_days),
            analysis=texts.number(body.analysis_days),
            listeners=texts.number(len(body.listeners)),
        ),
        texts.say("notice.lead", days=texts.number(body.lead_us // DAY_US)),
        texts.say("notice.rights", contact=contact or operator),
        texts.say("notice.console", address=console),
    ]
    return "\n\n".join(parts) + "\n"


def why(texts: Texts, body: CampaignBody) -> str:
    """Purpose, and what starts a recording."""
    purpose, part = texts.say(f"purpose.{body.purpose}"), texts.percent(share(body))
    match body.trigger:
        case Trigger.SAMPLE:
            return texts.say("notice.why", purpose=purpose, share=part)
        case Trigger.AGENT:
            return texts.say("notice.why_by_hand", purpose=purpose)
        case Trigger.ALL:
            return texts.say("notice.why_duty", purpose=purpose, text=body.legal_text)


def share(body: CampaignBody) -> float:
    """Share of the calls inside the periods."""
    return body.share_permille / 1_000


def events(texts: Texts, body: CampaignBody, controller: str) -> list[Event]:
    """The periods of one campaign as calendar events."""
    purpose = texts.say(f"purpose.{body.purpose}")
    return [
        Event(
            uid=f"{body.campaign}-{body.version}-{place}@quivive",
            from_at=each.from_at,
            to_at=each.to_at,
            summary=texts.say("notice.event", purpose=purpose),
            description=texts.say(
                "notice.event_text",
                controller=controller,
                media=media(texts, body),
                share=texts.percent(share(body)),
                days=texts.number(body.retention_days),
            ),
        )
        for place, each in enumerate(body.periods, start=1)
    ]

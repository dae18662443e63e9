"""Sentences of the register of recordings: refusals, warnings and closed sets, in the reader's language.

Called by the pages of recordings, the agent's own page and `quivive recordings` (the commands show the same sentences).
Codes and figures are stored; sentences are made here. Must never judge a person.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from quivive.model.recording import ListeningKind, ListeningReason, Medium, NonconformityKind, Purpose
from quivive.model.recording_register import (
    CLAUSE,
    CampaignState,
    DocumentState,
    LegalBasis,
    NoticeChannel,
    NoticeState,
    Payment,
    Refusal,
    RefusalCode,
    Trigger,
    Wanted,
    WarningCode,
)
from quivive.recordings.draft import WEEKDAYS
from quivive.recordings.rules import Warned
from quivive.web.i18n import Texts

CODES: Final[tuple[tuple[str, type[StrEnum]], ...]] = (
    ("purpose", Purpose),
    ("medium", Medium),
    ("trigger", Trigger),
    ("basis", LegalBasis),
    ("payment", Payment),
    ("wanted", Wanted),
    ("campaign_state", CampaignState),
    ("refusal", RefusalCode),
    ("warning", WarningCode),
    ("notice_channel", NoticeChannel),
    ("notice_state", NoticeState),
    ("listening_kind", ListeningKind),
    ("listening_reason", ListeningReason),
    ("document_state", DocumentState),
    ("nonconformity", NonconformityKind),
)
"""Every closed set of the register that has a sentence per member."""
DONE: Final = ("proposed", "announced", "declined", "ended", "closed")
"""What the register's page says after a deed."""
PROBLEMS: Final = (
    "campaign_dpo_announces", "campaign_name_taken", "campaign_unknown", "document_unknown", "grid_unknown",
    "gate_demonstration", "kiosk_code_unknown", "marks_invalid", "not_a_listener", "purpose_unfit", "recording_unknown",
    "nonconformity_own", "nonconformity_reference", "nonconformity_unknown",
)  # fmt: skip
"""Refusals of the register that a person may meet."""


def all_codes() -> Iterator[str]:
    """Every sentence id that this file can ask for."""
    for prefix, members in CODES:
        yield from (f"{prefix}.{member}" for member in members)
    yield from (f"weekday.{day}" for day in WEEKDAYS)
    yield from (f"recordings.done.{done}" for done in DONE)


def refusal(texts: Texts, refused: Refusal) -> str:
    """The sentence of a refusal, with its figures."""
    return texts.say(
        f"refusal.{refused.code}",
        found=texts.number(refused.found),
        limit=texts.number(refused.limit),
        found_share=texts.percent(refused.found / 1_000),
        limit_share=texts.percent(refused.limit / 1_000),
    )


def clause(refused: Refusal) -> str:
    """The requirement behind a refusal, as the law reference numbers it."""
    return CLAUSE[refused.code]


def warning(texts: Texts, warned: Warned) -> str:
    """The sentence of a warning, with its figures."""
    return texts.say(
        f"warning.{warned.code}",
        found=texts.number(warned.found),
        usual=texts.number(warned.usual),
        found_share=texts.percent(warned.found / 1_000),
        usual_share=texts.percent(warned.usual / 1_000),
    )

"""Sentences of kept sound: proposals and reasons, failures, rules of certificates, refusals of playback and purge.

Called by `sentences`, whose codes these join. Must never judge a person.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from quivive.model.approval import ApprovalState
from quivive.model.audio import AudioFailure, AudioReason, PlanStep
from quivive.model.purge import PurgeRule
from quivive.recordings.playback import PlaybackRefusal

CODES: Final[tuple[tuple[str, type[StrEnum]], ...]] = (
    ("audio_reason", AudioReason),
    ("audio_failure", AudioFailure),
    ("audio_step", PlanStep),
    ("audio_agreement", ApprovalState),
)
RULES: Final = tuple(rule for rule in PurgeRule if rule.value.startswith("recording_"))
PROBLEMS: Final = (*PlaybackRefusal, "audio_none", "audio_silent", "plan_empty")
"""Refusals that a person meets on these pages."""


def all_codes() -> Iterator[str]:
    """Every sentence id that this file can ask for."""
    for prefix, members in CODES:
        yield from (f"{prefix}.{member}" for member in members)
    yield from (f"audio_rule.{rule}" for rule in RULES)

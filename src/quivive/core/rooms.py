"""The rooms that run inside the core, each opened by its own function, started, and closed in reverse.

Called by `core.main` once keys, vault, ledger and projection are open. Must never open a room without putting its end
on the stack.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from quivive.core.alerting import Alerting
from quivive.core.anchoring import Anchoring
from quivive.core.audio_keeping import AudioKeeping
from quivive.core.pipeline import Pipeline
from quivive.core.playback import Playbacks
from quivive.core.policies import PolicyKeeper
from quivive.core.recording_keeper import RecordingKeeper
from quivive.core.recording_round import RecordingRound
from quivive.core.retention_room import RetentionRoom
from quivive.core.telling import Telling
from quivive.core.writers import CoreWriter
from quivive.detection.rules import Rule, load_rules
from quivive.ledger.log import Ledger
from quivive.privacy.keyring import Keyring
from quivive.projection.projection import Projection
from quivive.settings import Settings
from quivive.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What every room stands on; nothing of it runs by itself yet."""

    settings: Settings
    keyring: Keyring
    vault: Vault
    ledger: Ledger
    anchoring: Anchoring
    projection: Projection
    writer: CoreWriter
    recordings: RecordingKeeper
    policies: PolicyKeeper
    pipeline: Pipeline
    clock: Callable[[], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """The rooms that commands and console speak to."""

    rules: tuple[Rule, ...]
    rounds: RecordingRound
    retention: RetentionRoom
    audio: AudioKeeping
    playbacks: Playbacks


def open_rooms(stack: ExitStack, base: Base) -> Rooms:
    """Start the street, then everything that follows what it has taken in."""
    base.pipeline.start()
    stack.callback(base.pipeline.stop)
    base.anchoring.start()
    stack.callback(base.anchoring.stop)
    rules = load_rules((base.settings.home / "rules",))
    _open_alerting(stack, base, rules)
    rounds = _open_rounds(stack, base)
    retention = _open_retention(stack, base)
    audio, playbacks = _open_audio(stack, base)
    _open_telling(stack, base)
    return Rooms(rules=rules, rounds=rounds, retention=retention, audio=audio, playbacks=playbacks)


def _open_alerting(stack: ExitStack, base: Base, rules: tuple[Rule, ...]) -> None:
    alerting = Alerting(
        projection=base.projection,
        ledger=base.ledger,
        writer=base.writer,
        settings=base.settings,
        rules=lambda: rules,
        clock=base.clock,
        ready=base.pipeline.caught_up,
    )
    alerting.start()
    stack.callback(alerting.stop)


def _open_rounds(stack: ExitStack, base: Base) -> RecordingRound:
    rounds = RecordingRound(
        settings=base.settings,
        register=base.recordings.register,
        projection=base.projection,
        writer=base.writer,
        vault=base.vault,
        key=base.keyring.operator_agent_key,
        clock=base.clock,
        ready=base.pipeline.caught_up,
    )
    rounds.start()
    stack.callback(rounds.stop)
    return rounds


def _open_retention(stack: ExitStack, base: Base) -> RetentionRoom:
    retention = RetentionRoom(
        settings=base.settings,
        keyring=base.keyring,
        ledger=base.ledger,
        projection=base.projection,
        pipeline=base.pipeline,
        writer=base.writer,
        vault=base.vault,
        clock=base.clock,
        ready=base.pipeline.caught_up,
    )
    retention.start()
    stack.callback(retention.stop)
    return retention


def _open_audio(stack: ExitStack, base: Base) -> tuple[AudioKeeping, Playbacks]:
    audio = AudioKeeping(
        settings=base.settings,
        keyring=base.keyring,
        projection=base.projection,
        writer=base.writer,
        clock=base.clock,
        ready=base.pipeline.caught_up,
    )
    playbacks = Playbacks(audio, base.writer, base.clock)
    audio.start(playbacks.sweep)
    stack.callback(audio.stop)
    return audio, playbacks


def _open_telling(stack: ExitStack, base: Base) -> None:
    telling = Telling(
        settings=base.settings,
        projection=base.projection,
        ledger=base.ledger,
        clock=base.clock,
        ready=base.pipeline.caught_up,
    )
    telling.start()
    stack.callback(telling.stop)

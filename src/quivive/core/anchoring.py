"""Witnesses and time-stamps of a running core: at its start, every minute, every hour and at the day's close.

Started by the core beside the pipeline; a thread of its own, since others may be slow. Capture never waits for it:
without witnesses the state is *unwitnessed* and an alarm goes to the log after a while. Only one thing ends signing: a
checkpoint of ours, under our own signature, that is ahead of what stands here (faults 22 to 24, 40).
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import structlog

from quivive.core.timestamping import TokenError, ask, keep
from quivive.core.witnessing import Fetch, Outcome, WitnessClient, fetch
from quivive.ledger.log import Ledger
from quivive.ledger.policy import Policy, parse_policy
from quivive.ledger.published import RollbackError
from quivive.ledger.spine import timestamp_entry
from quivive.model.clock import DAY_US, SECOND_US
from quivive.model.errors import ConfigurationError, QuiviveError, StorageError
from quivive.settings import Settings

PAUSE_S: Final = 1.0

log = structlog.get_logger("quivive.core")


@dataclass(slots=True)
class AnchorState:
    """What `quivive status` shows; instants in microseconds."""

    witnesses: dict[str, str] = field(default_factory=dict)
    cosigned_at: dict[str, int] = field(default_factory=dict)
    unwitnessed_since: int = 0
    stamped_at: dict[str, int] = field(default_factory=dict)
    stamp_failures: int = 0


class Anchoring:
    """See the module's docstring. `failed` is set when signing must end."""

    def __init__(
        self, *, home: Path, settings: Settings, ledger: Ledger, clock: Callable[[], int], get: Fetch = fetch
    ) -> None:
        self._home, self._settings, self._ledger, self._clock, self._get = home, settings, ledger, clock, get
        self._policy = _policy(home, settings)
        self._clients = [
            WitnessClient(name, key, url, get) for name, (key, url) in self._policy.witnesses.items() if url
        ]
        self._submitted_at = self._asked_at = 0
        self._submitted = ""
        self._alarmed = False
        self._stop = threading.Event()
        self.failed = threading.Event()
        self.state = AnchorState()
        self._thread = threading.Thread(target=self._run, name="anchoring", daemon=True)

    def look(self) -> None:
        """Before anything is signed: ask every witness what it holds.

        Raises:
            RollbackError: one is ahead, or holds another history: nothing may be signed.
        """
        for client in self._clients:
            outcome = client.look(self._ledger.spine, self._ledger.publishing)
            self.state.witnesses[client.name] = outcome
            log.info("witness.looked", witness=client.name, outcome=outcome)

    def start(self) -> None:
        """Start the thread, when there is anybody to ask."""
        if self._clients or self._settings.timestamps.authorities:
            self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def once(self) -> None:
        """Do what is due now.

        Raises:
            RollbackError: a witness is ahead of us.
            StorageError: the disk refused.
        """
        now = self._clock()
        spine = self._ledger.spine.log
        if (
            spine.note
            and spine.note != self._submitted
            and self._due(self._submitted_at, now, self._settings.witnesses)
        ):
            self._submit(now)
        if spine.note and self._stamp_due(now):
            self._stamp(now)

    def shown(self) -> dict[str, Any]:
        """For `quivive status`."""
        state = self.state
        return {
            "witnesses": dict(state.witnesses),
            "unwitnessed_since": state.unwitnessed_since,
            "stamped_at": dict(state.stamped_at),
            "stamp_failures": state.stamp_failures,
        }

    def _run(self) -> None:
        while not self._stop.wait(PAUSE_S):
            try:
                self.once()
            except RollbackError as error:
                log.error("anchor.ahead", error=str(error))  # noqa: TRY400 - the sentence is enough
                self.failed.set()
                return
            except StorageError as error:
                log.warning("anchor.not_kept", error=str(error))

    @staticmethod
    def _due(last: int, now: int, settings: Any) -> bool:
        return not 0 <= now - last < settings.every_s * SECOND_US

    def _submit(self, now: int) -> None:
        self._submitted_at, note = now, self._ledger.spine.log.note
        cosigned = set()
        for client in self._clients:
            outcome = client.submit(self._ledger.spine, self._ledger.publishing)
            if outcome is Outcome.COSIGNED:
                cosigned.add(client.key)
                self.state.cosigned_at[client.name] = now
            elif self.state.witnesses.get(client.name) != outcome:
                log.warning("witness.not_cosigned", witness=client.name, outcome=outcome)
            self.state.witnesses[client.name] = outcome
        if len(cosigned) == len(self._clients):
            self._submitted = note
        self._alarm(now, enough=self._policy.met(cosigned))

    def _alarm(self, now: int, *, enough: bool) -> None:
        """One line when the quorum has been missing for long, one when it is back."""
        state = self.state
        if enough:
            if self._alarmed:
                log.info("witness.quorum_back")
            state.unwitnessed_since, self._alarmed = 0, False
            return
        state.unwitnessed_since = state.unwitnessed_since or now
        late = now - state.unwitnessed_since >= self._settings.witnesses.alarm_after_s * SECOND_US
        if late and not self._alarmed:
            self._alarmed = True
            log.error("witness.unwitnessed", since=state.unwitnessed_since)

    def _stamp_due(self, now: int) -> bool:
        """Every hour, and first thing after midnight UTC: the close of the day before."""
        settings = self._settings.timestamps
        another_day = now // DAY_US != self._asked_at // DAY_US
        return bool(settings.authorities) and (another_day or self._due(self._asked_at, now, settings))

    def _stamp(self, now: int) -> None:
        """Ask one authority after the other until one gives a token that holds."""
        self._asked_at = now
        spine = self._ledger.spine
        note, size = spine.log.note.encode(), spine.log.signed_size
        for authority in self._settings.timestamps.authorities:
            try:
                token = ask(authority, self._home, note, now // SECOND_US, get=self._get)
            except TokenError as error:
                self.state.stamp_failures += 1
                log.error("timestamp.refused", authority=authority.name, error=str(error))  # noqa: TRY400
                continue
            with self._ledger.publishing:
                keep(self._home / "spine", note, token)
                spine.keep_anchor(f"timestamp-{authority.name}", note)
                digest = sha256(token.response).hexdigest()
                spine.owe(timestamp_entry(authority=authority.name, size=size, token=digest, time=now))
            self.state.stamped_at[authority.name] = now
            return


def _policy(home: Path, settings: Settings) -> Policy:
    if not settings.witnesses.policy:
        return Policy()
    try:
        return parse_policy((home / settings.witnesses.policy).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, QuiviveError) as error:
        raise ConfigurationError(
            file=settings.witnesses.policy, key="policy", expected="a tlog-policy", found=str(error)
        ) from error

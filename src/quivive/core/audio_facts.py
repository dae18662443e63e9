"""What the ledger knows of kept sound, asked of the projection: implements `recordings.gather.Facts`.

Used by `core.audio_keeping`. Must never answer from a projection that is behind: its owner waits first.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from quivive.model.audio import (
    AudioClock,
    AudioReason,
    FailureCount,
    HoldScope,
    PlanBody,
    PlanCount,
    PlanItem,
    PlanStep,
)
from quivive.model.clock import DAY_US
from quivive.model.ids import OPERATOR
from quivive.projection.projection import Projection
from quivive.projection.query import MAX_ROWS, Scope
from quivive.recordings.judging import Call, Hold, Limit, Rules, Told
from quivive.settings import Settings

KEYS_AT_ONCE: Final = 1_000
"""Keys of one question: each answers at most a few rows, and an answer holds MAX_ROWS."""
UNDECIDED_HOLD_US: Final = 7 * DAY_US
"""A hold that one person asked for keeps so long; then it needs the second."""
_PRINCIPAL: Final = "core"
_PURPOSE: Final = "recordings"


class AudioFacts:
    """Questions of the rooms of recordings, each inside every declared company and the operator's own."""

    def __init__(self, settings: Settings, projection: Projection, clock: Callable[[], int]) -> None:
        self._projection, self._clock = projection, clock
        self._controllers = (*sorted(settings.controllers), OPERATOR)

    def query(self, name: str, **params: object) -> list[dict[str, Any]]:
        """Run one named query."""
        now = self._clock()
        scope = Scope(
            controllers=self._controllers, from_at=0, to_at=now + DAY_US, purpose=_PURPOSE, principal=_PRINCIPAL
        )
        return self._projection.query(scope, name, {"as_of": now, **params})

    def _by_keys(self, name: str, keys: Sequence[str], param: str = "keys") -> Iterator[dict[str, Any]]:
        for begin in range(0, len(keys), KEYS_AT_ONCE):
            yield from self.query(name, **{param: list(keys[begin : begin + KEYS_AT_ONCE])})

    def calls(self, contacts: Sequence[str]) -> Iterable[Call]:
        """Calls of the ledger by their keys."""
        for row in self._by_keys("audio_calls", contacts):
            yield Call(**row)

    def told(self, locations: Sequence[str], contacts: Sequence[str]) -> Iterable[Told]:
        """Recordings that sources told of, each once."""
        found: dict[str, Told] = {}
        for row in self._by_keys("audio_told", sorted({*locations, *contacts})):
            found[row["recording"]] = _told(row)
        return found.values()

    def recording(self, recording: str) -> Told | None:
        """One recording by its own key."""
        rows = [row for row in self.query("audio_told", keys=[recording]) if row["recording"] == recording]
        return _told(rows[0]) if rows else None

    def certified(self, audios: Sequence[str]) -> dict[str, str]:
        """Objects removed under a certificate, and the plan of each."""
        return {row["audio"]: row["plan"] for row in self._by_keys("audio_certified", audios)}

    def removed_sizes(self, sizes: Sequence[int]) -> set[int]:
        """Of these sizes, those of something removed whose content is known."""
        return {int(row["size_bytes"]) for row in self._by_keys("audio_removed_sizes", [*sizes], "sizes")}  # type: ignore[list-item]

    def removed_contents(self, hashes: Sequence[str]) -> dict[str, str]:
        """Of these contents, those removed under a certificate, and the plan of each."""
        return {row["sha256"]: row["plan"] for row in self._by_keys("audio_removed_contents", hashes, "hashes")}

    def rules(self) -> Rules:
        """Whatever limits, holds and ends a recording now."""
        return Rules(
            limits=tuple(
                Limit(
                    campaign=row["campaign"],
                    controller=row["controller"],
                    queues=tuple(filter(None, row["queues"].split(","))),
                    from_at=row["from_at"],
                    to_at=row["to_at"],
                    retention_days=row["retention_days"],
                )
                for row in self.query("audio_limits")
            ),
            holds=self.holds(),
            objected=frozenset(row["contact"] for row in self.query("audio_objections")),
        )

    def holds(self) -> tuple[Hold, ...]:
        """Holds in force, those asked for by one person included while they wait for the second."""
        now = self._clock()
        return tuple(
            Hold(
                hold=row["hold"],
                controller=row["controller"],
                scope=HoldScope(row["scope"]),
                object=row["object"],
                until_at=row["until_at"],
            )
            for row in self.query("audio_holds")
            if row["approved_by"] or now < row["from_at"] + UNDECIDED_HOLD_US
        )

    def plan(self, plan: str) -> tuple[PlanBody, dict[str, Any]] | None:
        """One plan with every object, and its row; None while a part of it is missing."""
        rows = self.query("audio_plans", plan=plan)
        if not rows:
            return None
        row, items, after = rows[0], list[PlanItem](), ""
        while page := self.query("audio_plan_items", plan=plan, **({"after": after} if after else {})):
            items.extend(_item(each) for each in page)
            after = page[-1]["audio"]
            if len(page) < MAX_ROWS:
                break
        if len(items) != int(row["items"]):
            return None
        return plan_of(row, tuple(items)), row


def plan_of(row: dict[str, Any], items: tuple[PlanItem, ...] = ()) -> PlanBody:
    """The plan behind a row of `audio_plans`."""
    return PlanBody(
        plan=row["plan"],
        controller=row["controller"],
        part=1,
        parts=1,
        digest=row["digest"],
        planned_by=row["planned_by"],
        planned_role=row["planned_role"],
        planned_at=row["planned_at"],
        stores=tuple(filter(None, row["stores"].split(","))),
        declared=row["declared"],
        follows="" if set(row["follows"]) == {"0"} else row["follows"],
        objects=row["objects"],
        items=items,
        counts=msgspec.json.decode(row["counts"], type=tuple[PlanCount, ...]),
    )


def failures_of(row: dict[str, Any]) -> tuple[FailureCount, ...]:
    """Failures of the last attempt."""
    return msgspec.json.decode(row["failures"], type=tuple[FailureCount, ...])


def finished(row: dict[str, Any]) -> bool:
    """Whether a plan was certified."""
    return bool(row["step"] == PlanStep.FINISHED)


def _item(row: dict[str, Any]) -> PlanItem:
    return PlanItem(
        audio=row["audio"],
        store=row["store"],
        campaign=row["campaign"],
        recording="" if set(row["recording"]) == {"0"} else row["recording"],
        reason=AudioReason(row["reason"]),
        clock=AudioClock(row["clock"]),
        ended_at=row["ended_at"],
        limit_days=row["limit_days"],
        size_bytes=row["size_bytes"],
        sha256=row["sha256"],
    )


def _told(row: dict[str, Any]) -> Told:
    empty = {name: "" for name in ("contact", "location") if set(row[name]) == {"0"}}
    return Told(**{**row, **empty})

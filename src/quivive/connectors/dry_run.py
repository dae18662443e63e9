"""What would become of a file: read, mapped and checked as the core would, nothing written (issue 3 deliverable 1).

Called by `quivive source test`. Keys are thrown away afterwards: no key of the installation is read. Must never show
a value of the file: rows, columns, what was expected, types, counts and instants.
"""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from quivive.connectors.carry import NDJSON, Translation, check_header, counters
from quivive.connectors.clock_doubt import clock_doubt, instants_of
from quivive.connectors.model import Refusal, RowKind
from quivive.connectors.reading.files import read_file
from quivive.connectors.reading.model import FileProblemError
from quivive.connectors.registry import Feed
from quivive.intake.accept import source_facts
from quivive.intake.batch import IntakeKind, SourceFacts, map_batch
from quivive.model.clock import Micros, to_rfc3339
from quivive.model.gate import CapturePolicy
from quivive.privacy.pseudonym import ControllerKeys
from quivive.rows import DecodedRow, decode_rows
from quivive.settings import Settings

MAX_SHOWN: Final = 50
"""Refused rows shown one by one; all are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What a dry run found.

    Fields:
        rows: kind of the rows made. assumed: what was found out of the file (encoding, delimiter, sheet).
        accepted, duplicates: rows the intake would take, and rows it would know from earlier in the same file.
        repeated: ids that stand on several rows with different content; the highest version counts.
        refused, refused_total, skipped, doubts: by row, and by reason. phones: by state.
        first, last: instants, "" without any. clock: one sentence when the clock or the zone must be wrong, or "".
        problem: why nothing was read at all, or where the file breaks off, or "".
        grade, lateness_s: what the mapping states of its source, "" and 0 when nothing.
        checked: "rows" when rows went through the installation's catalogue, "mapping" without a configuration.
    """

    mapping: str
    rows: str
    assumed: dict[str, str]
    records: int
    accepted: int
    duplicates: int
    repeated: int
    refused: tuple[Refusal, ...]
    refused_total: int
    skipped: dict[str, int]
    phones: dict[str, int]
    doubts: dict[str, int]
    first: str
    last: str
    clock: str
    problem: str
    checked: str
    grade: str = ""
    lateness_s: int = 0

    @property
    def good(self) -> bool:
        """Whether every record was taken or skipped on purpose."""
        return not self.problem and not self.refused_total and not self.clock


def dry_run(feed: Feed, data: bytes, now: int, facts: SourceFacts | None) -> DryRun:
    """Run the bytes of one file through a feed and, with `facts`, through the intake's own mappers."""
    try:
        reading = read_file(data, feed.format)
        check_header(feed.format, reading)
    except FileProblemError as error:
        return _result(feed, {}, None, _Tally(), now, str(error), facts)
    translation, tally = Translation(feed, reading, now), _Tally()
    for batch in translation.batches(closing=True):
        decoded = list(decode_rows(NDJSON, batch.body))
        tally.see(decoded)
        if facts is None:
            continue
        good, refused = map_batch(IntakeKind(batch.kind), facts, _POLICY, decoded, now)
        translation.refuse(batch, refused)
        tally.take([row.digest for row in good])
    problem = "" if translation.problem is None else str(translation.problem)
    return _result(feed, dict(reading.assumed), translation, tally, now, problem, facts)


def throwaway_facts(settings: Settings, name: str) -> SourceFacts:
    """Facts of a source with the real catalogues and keys that nothing else knows."""
    keys = ControllerKeys(key_id="dry-run", record=os.urandom(32), agent=os.urandom(32))
    return source_facts(settings, name, lambda _: keys, os.urandom(32))


def told(result: DryRun) -> list[str]:
    """The result as lines for a person."""
    lines = [f"mapping: {result.mapping} ({result.rows})"]
    if result.lateness_s:
        lines.append(f"grade {result.grade}; late by at most {_duration(result.lateness_s)}")
    if result.problem:
        lines.append(f"problem: {result.problem}")
    lines += [f"assumed {what}: {how}" for what, how in result.assumed.items()]
    lines.append(f"accepted: {result.accepted} of {result.records} records")
    if result.duplicates or result.repeated:
        lines.append(f"duplicates: {result.duplicates}; ids on several rows: {result.repeated}")
    lines.append(f"refused: {result.refused_total}")
    for each in result.refused:
        where = f"row {each.number}" + (f", {each.field}" if each.field else "")
        lines.append(f"  {where}: expected {each.expected}, found {each.found}")
    if result.refused_total > len(result.refused):
        lines.append(f"  and {result.refused_total - len(result.refused)} more")
    lines += [f"skipped: {count} ({reason})" for reason, count in result.skipped.items()]
    if result.phones:
        lines.append("telephone numbers: " + ", ".join(f"{count} {state}" for state, count in result.phones.items()))
    lines += [f"doubt: {count} x {reason}" for reason, count in result.doubts.items()]
    if result.first:
        lines.append(f"from {result.first} to {result.last}")
    if result.clock:
        lines.append(f"clock: {result.clock}")
    lines.append("checked against: " + ("the installation's catalogue" if result.checked == "rows" else "nothing"))
    lines.append("nothing was written")
    return lines


def _duration(seconds: int) -> str:
    return f"{seconds // 3_600} h" if seconds % 3_600 == 0 else f"{seconds // 60} min"


def as_json(result: DryRun) -> dict[str, Any]:
    """The result as one JSON object."""
    return asdict(result)


class _Tally:
    """What is counted over all batches of a file."""

    def __init__(self) -> None:
        self.accepted = self.duplicates = self.made = 0
        self.first, self.last = 0, 0
        self._digests: set[bytes] = set()
        self._rows_of: dict[str, int] = {}

    def see(self, rows: Sequence[DecodedRow]) -> None:
        self.made += len(rows)
        for row in rows:
            if not isinstance(row.value, dict):
                continue
            identifier = str(row.value.get("id", ""))
            self._rows_of[identifier] = self._rows_of.get(identifier, 0) + 1
            for at in instants_of(row.value):
                self.first = min(self.first or at, at)
                self.last = max(self.last, at)

    def take(self, digests: Sequence[bytes]) -> None:
        for digest in digests:
            known = bool(digest) and digest in self._digests
            self._digests.add(digest)
            self.duplicates += known
            self.accepted += not known

    @property
    def repeated(self) -> int:
        return sum(count > 1 for identifier, count in self._rows_of.items() if identifier)


def _result(
    feed: Feed,
    assumed: dict[str, str],
    translation: Translation | None,
    tally: _Tally,
    now: int,
    problem: str,
    facts: SourceFacts | None,
) -> DryRun:
    refused = sorted(translation.refused, key=lambda each: each.number) if translation else []
    skipped, doubts = counters(feed.translator)
    return DryRun(
        mapping=feed.name,
        rows=feed.kind,
        assumed=assumed,
        records=translation.records if translation else 0,
        accepted=tally.accepted if facts is not None else tally.made,
        duplicates=tally.duplicates,
        repeated=tally.repeated if feed.kind is not RowKind.HEARTBEATS else 0,
        refused=tuple(refused[:MAX_SHOWN]),
        refused_total=len(refused),
        skipped=skipped,
        phones=dict(getattr(feed.translator, "phones", {})),
        doubts=doubts,
        first=to_rfc3339(Micros(tally.first)) if tally.first else "",
        last=to_rfc3339(Micros(tally.last)) if tally.last else "",
        clock=clock_doubt(translation.samples, now) if translation else "",
        problem=problem,
        checked="mapping" if facts is None else "rows",
        grade=feed.grade if feed.lateness_s else "",
        lateness_s=feed.lateness_s,
    )


_POLICY: Final = CapturePolicy(active=True, informed={}, keep_unknown=True, service_accounts=())
"""As if everybody were informed: a dry run tells what a mapping does, not what a gate withholds."""

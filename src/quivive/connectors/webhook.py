"""A foreign payload posted to us, through the mapping of its source (docs/connectors.md "Webhook").

Called by `web.routes.webhook` through `Services.webhook`. Must never answer before the rows are durable, nor quote a
value; the token names the source, the source names the mapping.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from quivive.connectors.carry import NDJSON, Translation, check_header
from quivive.connectors.model import RowKind
from quivive.connectors.reading.files import read_file
from quivive.connectors.reading.model import FileProblemError
from quivive.connectors.registry import Feed
from quivive.connectors.sources import open_source
from quivive.intake import IntakeReport
from quivive.model.clock import now_us
from quivive.model.errors import RefusedError
from quivive.rows import MAX_BATCH_BYTES, RowError
from quivive.settings import EDGE_KINDS, Settings


class ControlledIntake(Protocol):
    """What the webhook needs of the intake; durable on return."""

    async def take(
        self, *, kind: str, source: str, content_type: str, body: bytes, controllers: tuple[str, ...] | None
    ) -> IntakeReport:
        """Take a batch for some controllers."""


class Webhook:
    """Feeds of the sources that have a mapping and an API. One payload of a source at a time: feeds hold state."""

    def __init__(self, settings: Settings, intake: ControlledIntake, clock: Callable[[], int] = now_us) -> None:
        self._intake, self._clock = intake, clock
        self._feeds: dict[str, Feed] = {
            name: open_source(settings, name)
            for name, source in settings.sources.items()
            if source.mapping and source.kind not in EDGE_KINDS and not source.follow
        }
        self._locks = {name: asyncio.Lock() for name in self._feeds}

    def kind(self, sources: Sequence[str]) -> RowKind:
        """Rows that a payload of this token becomes.

        Raises:
            RefusedError: `source_kind` when no source of the token has a mapping, `source_ambiguous` when several do.
        """
        return self._feeds[self._source(sources)].kind

    def _source(self, sources: Sequence[str]) -> str:
        mapped = [name for name in sources if name in self._feeds]
        if not mapped:
            raise RefusedError("source_kind", "no source of this token has a mapping")
        if len(mapped) > 1:
            raise RefusedError("source_ambiguous", "several sources of this token have a mapping")
        return mapped[0]

    async def take(self, *, sources: tuple[str, ...], controllers: tuple[str, ...], body: bytes) -> IntakeReport:
        """Take one payload; rows are numbered as the file's, from 0, and fields named as the payload names them.

        Raises:
            RefusedError: `too_large`, `body_unreadable`, `source_kind`, `source_ambiguous`.
            StorageError: nothing was acknowledged.
        """
        name = self._source(sources)
        feed = self._feeds[name]
        if len(body) > MAX_BATCH_BYTES:
            raise RefusedError("too_large", f"at most {MAX_BATCH_BYTES} bytes in a batch, found {len(body)}")
        async with self._locks[name]:
            try:
                reading = await asyncio.to_thread(read_file, body, feed.format)
                check_header(feed.format, reading)
            except FileProblemError as problem:
                raise RefusedError("body_unreadable", str(problem)) from None
            translation = Translation(feed, reading, self._clock())
            batches = await asyncio.to_thread(lambda: list(translation.batches(closing=False)))
            accepted = duplicates = 0
            for batch in batches:
                report = await self._intake.take(
                    kind=batch.kind, source=name, content_type=NDJSON, body=batch.body, controllers=controllers
                )
                accepted, duplicates = accepted + report.accepted, duplicates + report.duplicates
                translation.refuse(batch, report.refused)
        refused = tuple(
            RowError(row=each.number - 1, field=each.field, expected=each.expected, found=each.found)
            for each in sorted(translation.refused, key=lambda each: each.number)
        )
        return IntakeReport(accepted=accepted, duplicates=duplicates, refused=refused)

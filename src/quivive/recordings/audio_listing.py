"""A recorder that we cannot reach: the listing its vendor delivers, read through the mapper (docs/connectors.md).

Opened by `recordings.stores`. Must never pass for a look of our own: it is `declared`, reads and removes nothing, and
every certificate that rests on it says so.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from quivive.connectors.model import CanonicalRow, Record, Refusal, RowKind
from quivive.connectors.reading.files import read_file
from quivive.connectors.reading.model import FileProblemError
from quivive.connectors.registry import Context, open_translator
from quivive.model.audio import AudioFailure
from quivive.model.clock import from_rfc3339
from quivive.model.errors import ConfigurationError
from quivive.recordings.audio import AudioAbsentError, AudioObject, AudioUnreachableError, Scan

_INSTANTS = ("started_at", "ended_at", "call_ended_at")
_TEXTS = ("contact", "controller", "queue")


class ListingStore:
    """The newest listing of one vendor, in a folder where they arrive."""

    declared = True

    def __init__(self, name: str, folder: Path, mapping: str, context: Context) -> None:
        self.name = name
        self._folder, self._mapping, self._context = folder, mapping, context

    def mark(self) -> None:
        """Nothing to leave: the listing itself says when it was made."""

    def scan(self, at: int, *, marked: bool = False) -> Scan:
        """Read the newest listing. Its date is the file's: what came later is not in it.

        Raises:
            AudioUnreachableError: no listing, or one of which a single row cannot be read: a part proves nothing.
        """
        del marked
        newest = self._newest()
        made_at = min(at, newest.stat().st_mtime_ns // 1_000)
        feed = open_translator(self._mapping, self._context)
        if feed.kind is not RowKind.RECORDINGS:
            raise ConfigurationError(
                file="quivive.toml", key=f"audio.{self.name}.mapping", expected="a mapping of recordings",
                found=str(feed.kind),
            )  # fmt: skip
        try:
            reading = read_file(newest.read_bytes(), feed.format)
            rows = list(feed.translator.feed(_records(reading.records), at))
        except (FileProblemError, OSError) as error:
            raise AudioUnreachableError(f"audio store {self.name}: its listing cannot be read ({error})") from None
        objects = []
        for row in rows:
            if not isinstance(row, CanonicalRow):
                raise AudioUnreachableError(
                    f"audio store {self.name}: row {row.number} of its listing cannot be read: expected {row.expected}"
                )
            objects.append(_object(row.value))
        objects.sort(key=lambda each: each.path)
        return Scan(store=self.name, at=made_at, objects=tuple(objects), others=0, declared=True)

    def _newest(self) -> Path:
        try:
            found = [path for path in self._folder.iterdir() if path.is_file() and not path.name.startswith(".")]
        except OSError as error:
            raise AudioUnreachableError(f"audio store {self.name} cannot be listed ({error.strerror})") from None
        if not found:
            raise AudioUnreachableError(f"audio store {self.name} has no listing yet")
        return max(found, key=lambda path: (path.stat().st_mtime_ns, path.name))

    def digest(self, path: str) -> str:
        """A vendor's sound cannot be read: no hash."""
        del path
        return ""

    def read(self, path: str, start: int, end: int) -> Iterator[bytes]:
        """Refuse: a vendor's sound is not ours to read."""
        del path, start, end
        raise AudioAbsentError("the recording lies with a vendor")

    def delete(self, paths: Sequence[str]) -> dict[str, AudioFailure]:
        """Refuse: the vendor removes."""
        return dict.fromkeys(paths, AudioFailure.REFUSED)


def _records(records: Iterable[Record | Refusal]) -> Iterator[Record]:
    for record in records:
        if isinstance(record, Refusal):
            raise FileProblemError(row=record.number, expected=record.expected, found=record.found)
        yield record


def _object(value: Mapping[str, Any]) -> AudioObject:
    told = {name: str(value[name]) for name in _TEXTS if value.get(name)}
    told |= {name: str(from_rfc3339(value[name])) for name in _INSTANTS if value.get(name)}
    path = str(value.get("location") or value["id"])
    size = int(value.get("size_bytes", 0))
    return AudioObject(path=path, size_bytes=size, modified_at=0, told=told)

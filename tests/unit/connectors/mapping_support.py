"""Mappings and intakes for the tests of connectors: real translators, real mappers, invented people."""

import asyncio
from pathlib import Path

from quivive.connectors.carry import Translation, check_header, merged
from quivive.connectors.mapping.loader import parse_mapping, read_document
from quivive.connectors.mapping.translator import MappingTranslator
from quivive.connectors.model import Record
from quivive.connectors.reading.files import read_file
from quivive.connectors.registry import Context, open_translator
from quivive.intake import IntakeReport
from quivive.intake.batch import IntakeKind, map_batch
from quivive.model.clock import from_rfc3339
from quivive.model.gate import CapturePolicy
from quivive.rows import decode_rows

NOW = from_rfc3339("2026-11-23T12:00:00Z")
POLICY = CapturePolicy(active=True, informed={}, keep_unknown=True, service_accounts=())


def mapping(text, name="site.yml"):
    """A mapping from YAML text."""
    return parse_mapping(read_document(text, name), name, lambda wanted: {})


def translator(text, zone="Europe/Paris"):
    """A translator of YAML text."""
    settings = {"controller": "aurore", "namespace": "telephony", "source": "calls"}
    return MappingTranslator(mapping(text), settings=settings, site_zone=zone)


def translated(text, *records, zone="Europe/Paris", now=NOW):
    """What records become: rows and refusals in order."""
    numbered = [Record(number=number, fields=fields) for number, fields in enumerate(records, start=2)]
    return list(translator(text, zone).feed(numbered, now))


def preset(name, home=Path()):
    """A shipped mapping, open."""
    return open_translator(name, Context(source="calls", controller="aurore", namespace="telephony", home=home))


def rows_of(feed, data, now=NOW):
    """Rows and refusals of a file."""
    reading = read_file(data, feed.format)
    check_header(feed.format, reading)
    translation = Translation(feed, reading, now)
    rows = merged(translation.batches(closing=True))
    return rows, translation.refused


class MemoryIntake:
    """The intake's own mapping and memory, without a disk: final rows by id, as any reader of the ledger sees them."""

    def __init__(self, facts, now=NOW):
        self.facts, self.now, self.known, self.final = facts, now, set(), {}
        self.calls, self.gaps, self.heartbeats = [], [], []

    async def take(self, *, kind, source, content_type, body, controllers=None):
        """Take a batch as `Acceptor` does."""
        del controllers
        rows = list(decode_rows(content_type, body))
        if kind == "heartbeats":
            self.heartbeats += [row.value["complete_to"] for row in rows]
            return IntakeReport(accepted=len(rows), duplicates=0, refused=())
        self.calls.append((kind, source, len(rows)))
        good, refused = map_batch(IntakeKind(kind), self.facts, POLICY, rows, self.now)
        values = {row.number: row.value for row in rows}
        duplicates = 0
        for row in good:
            duplicates += row.digest in self.known
            if row.digest in self.known:
                continue
            self.known.add(row.digest)
            value = values[row.row]
            former = self.final.get(value["id"])
            if former is None or value["version"] > former["version"]:
                self.final[value["id"]] = value
        return IntakeReport(accepted=len(good) - duplicates, duplicates=duplicates, refused=tuple(refused))

    async def record_gap(self, source, gap):
        """Keep a gap."""
        self.gaps.append((source, gap))


def run(coroutine):
    """Run to the end."""
    return asyncio.run(coroutine)

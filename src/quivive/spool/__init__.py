"""Numbered durable files per source, group commit, cursors: where an event is acknowledged (DESIGN §2; ADR 0005).

Imported by capture, contacts, intake (writers) and by the core (reader). Must never import the ledger.
"""

from quivive.spool.group import AsyncSpool
from quivive.spool.reader import SpoolReader
from quivive.spool.record import PreviousEpoch, SpoolCursor, SpoolDamage
from quivive.spool.writer import SpoolWriter

__all__ = ["AsyncSpool", "PreviousEpoch", "SpoolCursor", "SpoolDamage", "SpoolReader", "SpoolWriter"]

"""Wazo's published CEL tables give the calls their authors expect (issue 3, "Shown when done").

Reads `wazo-platform/wazo-call-logd` from the tester's folder; see conftest.py. Where we differ on purpose, the
difference and its reason stand in KNOWN, and anything else fails.
"""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from quivive.connectors.asterisk.cel import CelTranslator
from quivive.connectors.contact_book import TelephonySettings
from quivive.connectors.model import CanonicalRow, Record, Refusal

from .conftest import find_published
from .wazo import ABSENT, Table, read_tables

REPOSITORY: Final = "wazo-platform/wazo-call-logd"
SUITE: Final = "integration_tests/suite/"
FILES: Final = (
    "test_call_log_generation.py",
    "test_recording_generation.py",
    "test_call_group.py",
    "test_call_from_mobile.py",
)
ANY_LINE: Final = r"[A-Za-z0-9]{8}|\d{3,4}"
TOLERANCE: Final = timedelta(seconds=1)

FORWARDED: Final = "the authors keep the direction asked for; to us a forwarded call that reaches a customer goes out"
UNKNOWN_LINE: Final = "the table's third telephone is declared nowhere in their test, so to us it is nobody's"
KNOWN: Final[dict[tuple[str, str], str]] = {
    ("test_noanswer_forward_to_external_unanswered", "direction"): FORWARDED,
    ("test_noanswer_forward_to_external_answered", "direction"): FORWARDED,
    ("test_internal_busy_fwd_answered_call", "number"): UNKNOWN_LINE,
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "table" in metafunc.fixturenames:
        try:
            tables = [table for name in FILES for table in read_tables(find_published(REPOSITORY, SUITE + name))]
        except pytest.skip.Exception as reason:
            marks = pytest.mark.skip(reason=str(reason))
            metafunc.parametrize("table", [pytest.param(None, marks=marks)], ids=["absent"])
            return
        metafunc.parametrize("table", tables, ids=[table.name for table in tables])


@pytest.mark.conformance
def test_table_gives_the_call_its_authors_expect(table: Table) -> None:
    found = {field for field in differences(table) if (table.name, field) not in KNOWN}
    assert not found


def translate(table: Table) -> dict[str, dict[str, Any]]:
    """Feed the table's events, none refused, and give the last version of each call."""
    lines = "|".join(sorted(re.escape(line) for line in table.telephones())) or ANY_LINE
    pattern = rf"(?i:(?:PJSIP|SIP|SCCP)/(?P<login>{lines})-[0-9a-f]+(?:-[0-9]+)?)"
    translator = CelTranslator(TelephonySettings(agents=pattern))
    records = [Record(number=number, fields=row) for number, row in enumerate(table.rows, start=1)]
    rows: dict[str, dict[str, Any]] = {}
    for made in translator.feed(records, 0):
        assert not isinstance(made, Refusal), made
        assert isinstance(made, CanonicalRow)
        rows[made.value["id"]] = made.value
    return rows


def differences(table: Table) -> dict[str, tuple[Any, Any]]:
    """Compare the oldest call of a table with what is expected of it."""
    rows = translate(table)
    assert rows, "a call"
    row = rows[min(rows)]
    shift = _shift(table, row)
    found: dict[str, tuple[Any, Any]] = {}
    for field, ours in (("date_answer", "started_at"), ("date_end", "ended_at")):
        if field in table.expected and not _same(table.expected[field], row.get(ours), shift):
            found[field] = (table.expected[field], row.get(ours))
    if "date" in table.expected:
        began = min([row["offered_at"], *(leg["from"] for leg in row.get("legs", []))])
        own = _shown(table.expected["date"], shift)
        if not own - TOLERANCE <= _at(began) <= _at(row.get("ended_at", began)):
            found["date"] = (table.expected["date"], began)
    direction = row["direction"]
    if table.expected.get("direction", direction) != direction:
        found["direction"] = (table.expected["direction"], direction)
    sides = [table.expected[side] for side in ("source_exten", "destination_exten") if side in table.expected]
    if len(sides) == 2 and direction != "internal" and row.get("phone") not in sides:
        found["number"] = (sides, row.get("phone"))
    for participant in table.participants:
        line = table.lines.get(participant["user"], "")
        spoken = any(leg["agent"] == line for leg in row.get("legs", []))
        if line and _in_events(table, line) and not spoken:
            found["participant"] = (participant, row.get("legs"))
    return found


def _in_events(table: Table, line: str) -> bool:
    return any(f"/{line}-".lower() in row.get("channame", "").lower() for row in table.rows)


def _shift(table: Table, row: dict[str, Any]) -> timedelta:
    """The authors read naive local times as UTC; the unique id betrays the offset, which we apply."""
    if "date_end" not in table.expected or "ended_at" not in row:
        return timedelta(0)
    shown = datetime.fromisoformat(table.expected["date_end"])
    quarters = round((_at(row["ended_at"]) - shown) / timedelta(minutes=15))
    return timedelta(minutes=15 * quarters)


def _shown(text: str, shift: timedelta) -> datetime:
    return datetime.fromisoformat(text) + shift


def _same(expected: str, ours: str | None, shift: timedelta) -> bool:
    if expected == ABSENT or ours is None:
        return expected == ABSENT and ours is None
    return abs(_shown(expected, shift) - _at(ours)) <= TOLERANCE


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def main(folder: Path) -> None:
    """Print the agreement of every table, for docs/telephony.md."""
    for name in FILES:
        tables = read_tables(folder / SUITE / name)
        agreed = [table for table in tables if not differences(table)]
        print(f"{name}: {len(agreed)} of {len(tables)} tables, {sum(len(t.rows) for t in tables)} events")
        for table in tables:
            for field, (expected, ours) in differences(table).items():
                print(f"  {table.name}: {field} expected {expected!r}, ours {ours!r}")

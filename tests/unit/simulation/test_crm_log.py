"""Claims on the CRM's access log: one JSON object a line, in the form of POST /v1/accesses."""

import json

from quivive.simulation import crm_log
from quivive.simulation.crm_log import AccessLog, access_row

AT = 1_795_356_300_000_000
READ = {"native_id": "V1-00001", "at": AT, "agent": "lil-050", "contact": "A1-00009", "action": "read", "customer": 77}


def test_lines_are_ndjson_of_the_access_api(tmp_path):
    """Each write appends one whole line with the documented fields only."""
    log = AccessLog(tmp_path / "crm" / "log.ndjson")
    log.write(access_row(**READ))
    log.write(access_row(**{**READ, "action": "update", "booking": 231}))
    first, second = (json.loads(line) for line in (tmp_path / "crm" / "log.ndjson").read_text().splitlines())
    documented = {"id", "at", "controller", "agent", "action", "records", "columns", "changed", "rows", "contact"}
    assert set(first) | set(second) <= documented
    assert first["records"] == ["customer:77"]
    assert first["at"] == "2026-11-22T14:05:00.000000Z"
    assert (second["records"], second["changed"]) == (["customer:77", "booking:231"], ["booking.departs_on"])


def test_the_log_is_put_aside_when_large(tmp_path, monkeypatch):
    """Rotation by renaming, as log tools do; the path is there again at once."""
    monkeypatch.setattr(crm_log, "MAX_LOG_BYTES", 300)
    log = AccessLog(tmp_path / "log.ndjson")
    for _ in range(3):
        log.write(access_row(**READ))
    assert (tmp_path / "log.ndjson.1").exists()
    assert (tmp_path / "log.ndjson").exists()

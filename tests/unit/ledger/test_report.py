"""What the command prints."""

import json

from quivive.ledger.report import verify_and_print


def test_a_folder_is_reported_as_text_and_as_json(home):
    """Counts and outcome when whole; one line per finding, with code and place, when not."""
    ledger = home.open()
    ledger.append(home.events(1, 10), home.now)
    ledger.publish(home.now)
    ledger.append(home.events(11, 12), home.now)
    ledger.close()
    lines = []
    assert verify_and_print(home.path, controller=None, as_json=False, tell=lines.append) == 0
    assert lines == [
        "verified: every entry, tile and signature is whole (10 entries, 2 checkpoints, 2 not yet published)"
    ]
    path = home.path / "segments/aurore/trace/20261118"
    path.write_bytes(path.read_bytes().replace(b'"count":10', b'"count":11'))
    lines.clear()
    assert verify_and_print(home.path, controller=None, as_json=False, tell=lines.append) == 40
    assert lines[0].startswith("40 segment_damaged segments/aurore/trace/20261118 at 0: ")
    lines.clear()
    assert verify_and_print(home.path, controller=None, as_json=True, tell=lines.append) == 40
    document = json.loads(lines[0])
    assert document["exit_code"] == 40
    assert {"code", "exit", "place", "detail"} == set(document["findings"][0])

"""A real core with a watched folder: good, doubled, cp1252, renamed, mixed and rubbish files, a webhook; every line read."""

import io
import json
import os
import time
import urllib.request
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from openpyxl import Workbook
from street_support import CONTROLLER, MAIN, Street, until

pytestmark = pytest.mark.integration

SOURCES = """
[sources.calls]
kind = "files"
controller = "aurore"
namespace = "telephony"
path = "in/calls"
mapping = "calls.yml"
heartbeat_s = 1

[sources.desk]
kind = "contacts"
controller = "aurore"
namespace = "crm"
mapping = "tickets"
"""
MAPPING = "extends: queue-calls\nrename: {Answered: Décroché, Caller: Appelant, Talk: Durée}\n"
HEAD = "Call ID;Agent;Décroché;Durée;Appelant;Record"
OLD_S = 3_600
SECRET = "9876543210"


@pytest.fixture(scope="module")
def street():
    with Street() as street:
        street.main = MAIN.format(web=street.web) + SOURCES
        controller = CONTROLLER.replace('contact_sources = ["telephony"]', 'contact_sources = ["calls"]')
        street.write(controller=controller)
        (street.home / "in" / "calls").mkdir(parents=True)
        (street.home / "calls.yml").write_text(MAPPING, encoding="utf-8")
        street.start().activate()
        until(lambda: json.loads((street.home / "run" / "policy" / "calls.json").read_bytes())["active"])
        yield street


def local(minutes_ago):
    """A local time of Paris as a spreadsheet shows it."""
    moment = datetime.now(ZoneInfo("Europe/Paris")) - timedelta(minutes=minutes_ago)
    return moment.strftime("%d/%m/%Y %H:%M:%S")


def drop(street, name, data):
    """Put a finished file into the folder."""
    path = street.home / "in" / "calls" / name
    part = path.with_name(name + ".part")
    part.write_bytes(data)
    at = time.time() - OLD_S
    os.utime(part, (at, at))
    part.rename(path)


def book(rows):
    """A workbook."""
    made, target = Workbook(), io.BytesIO()
    for row in rows:
        made.active.append(row)
    made.save(target)
    return target.getvalue()


def lines(street, event):
    """Log lines of one event."""
    found = [json.loads(line) for line in street.output.read_text().splitlines() if line.startswith("{")]
    return [line for line in found if line.get("event") == event]


def settled(street, count):
    """Every file has left the folder."""
    folder = street.home / "in" / "calls"
    until(lambda: not [path for path in folder.iterdir() if path.is_file()])
    until(lambda: len(list(folder.glob("*/*"))) == count)


def test_each_wrong_file_is_one_line_and_nothing_good_is_lost(street):
    """What an administrator reads in the log of the core, and what the ledger holds afterwards."""
    good = "\r\n".join([HEAD, f"A1;anna;{local(110)};00:05:00;01 99 00 00 01;customer:2", ""])
    accents = "\r\n".join([HEAD, f"A2;hélène;{local(100)};60;anonymous;customer:3", ""])
    mixed = "\n".join(
        [HEAD, f"A3;boris;{local(90)};60;;", f"A4,{SECRET},{local(80)},60,,", f"A5;carla;{local(70)};x;;"]
    )
    wall = datetime.now(ZoneInfo("Europe/Paris")).replace(tzinfo=None)
    drop(street, "1-good.csv", good.encode("utf-8-sig"))
    drop(street, "2-accents.csv", accents.encode("cp1252"))
    drop(street, "3-again.csv", good.encode("utf-8-sig"))
    drop(street, "4-mixed.csv", mixed.encode())
    drop(street, "5-renamed.csv", good.replace("Durée", "Temps").encode())
    drop(street, "6-rubbish.csv", os.urandom(64) + b"\0" * 64)
    drop(
        street,
        "7-book.xlsx",
        book([HEAD.split(";"), ["A6", "anna", wall - timedelta(hours=1), 30, 199000001, "customer:4"]]),
    )
    settled(street, 7)
    taken = {line["file"]: line for line in lines(street, "files.taken")}
    assert {name: (line["accepted"], line["refused"]) for name, line in taken.items()} == {
        "1-good.csv": (1, 0),
        "2-accents.csv": (1, 0),
        "4-mixed.csv": (1, 2),
        "7-book.xlsx": (1, 0),
    }
    assert taken["2-accents.csv"]["assumed_encoding"] == "cp1252"
    assert [line["file"] for line in lines(street, "files.again")] == ["3-again.csv"]
    assert {line["file"]: line["reason"] for line in lines(street, "files.set_aside")} == {
        "5-renamed.csv": "row 1: expected the column Durée, found it absent",
        "6-rubbish.csv": "expected text or an XLSX workbook, found another kind of file",
    }
    assert [(line["row"], line["field"], line["found"]) for line in lines(street, "files.row_refused")] == [
        (3, "", "6 columns separated by comma"),
        (4, "Durée", "string"),
    ]
    assert SECRET not in street.output.read_text()


def test_a_call_from_a_file_explains_an_access(street):
    """The whole way: a row of an export, a record of the catalogue, a verdict."""
    at = datetime.now(ZoneInfo("UTC")) - timedelta(minutes=108)
    row = {"id": "x1", "at": at.isoformat(), "agent": "anna", "action": "read", "records": ["customer:2"]}
    assert street.api("POST", "/v1/accesses", [row], token="api")[0] == 200

    def explained():
        found = street.seen("customer:2")
        return found and found[0]["verdict"] == "explained" and found

    assert until(explained)[0]["verdict"] == "explained"


def test_a_payload_is_posted_to_the_webhook(street):
    """A token of the helpdesk; a CSV as good as JSON."""
    answer = street.ask("token-issue", name="t-desk", sources=["desk"], roles=["integration"])
    body = f"Ticket,Assignee,Created,Updated\nT-1,anna,{local(60)},{local(30)}\nT-2,anna,hier,{local(30)}\n"
    request = urllib.request.Request(
        f"http://127.0.0.1:{street.web}/v1/webhook",
        method="POST",
        data=body.encode("cp1252"),
        headers={"Authorization": f"Bearer {answer['token']}", "Content-Type": "text/csv"},
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        report = json.loads(response.read())
    assert (report["accepted"], report["refused_total"]) == (1, 1)
    assert (report["refused"][0]["row"], report["refused"][0]["field"]) == (2, "Created")


def test_the_dry_run_says_the_same_and_writes_nothing(street, tmp_path):
    """Beside a running core, with the real catalogue."""
    path = tmp_path / "export.csv"
    path.write_bytes(
        "\n".join(
            [HEAD, f"A7;anna;{local(50)};60;0199000001;nowhere:2", f"A8;anna;{local(40)};60;3949;customer:2"]
        ).encode()
    )
    code, out, error = street.run("source", "test", "calls", "--file", str(path), "--json")
    told = json.loads(out)
    assert (code, error) == (1, "")
    assert (told["accepted"], told["checked"]) == (1, "rows")
    assert told["refused"] == [
        {
            "number": 2,
            "field": "Record",
            "expected": "a record of the controller's catalogue as table:key",
            "found": "string",
        }
    ]
    assert told["phones"] == {"valid": 1, "short_code": 1}


def test_a_restart_takes_nothing_twice_and_the_ledger_holds_each_contact_once(street):
    """The same export again after a restart; gaps for what was refused, heartbeats to the last instant told."""
    street.stop()
    street.start()
    drop(street, "8-again.csv", (street.home / "in" / "calls" / "done" / "2-accents.csv").read_bytes())
    settled(street, 8)
    assert street.stop() == 0
    entries = list(street.entries())
    contacts = [entry.body["contact"] for entry in entries if entry.kind == "contact" and entry.source == "calls"]
    assert len(contacts) == len(set(contacts)) == 4
    gaps = [entry.body["lost"] for entry in entries if entry.kind == "gap" and entry.source == "calls"]
    assert sorted(gaps) == [-1, -1, 2]
    beats = [entry.body["complete_to"] for entry in entries if entry.kind == "heartbeat" and entry.source == "calls"]
    assert beats
    assert max(beats) < time.time() * 1e6 - 30 * 60 * 1e6


def test_a_wrong_mapping_stops_the_core_with_one_sentence(street):
    """File, key, expected, found; exit code 2."""
    (street.home / "calls.yml").write_text("extends: queue-calls\ncolour: red\n", encoding="utf-8")
    code, _, error = street.run("core")
    assert code == 2
    assert "calls.yml: colour: expected one of" in error
    assert len(error.strip().splitlines()) == 1

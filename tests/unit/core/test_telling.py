"""From an entry of the ledger to a receiver on a real socket: an incident as a webhook and as CEF, an access as OCSF."""

import json
import socket
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import msgspec
import pytest
from standardwebhooks import Webhook

from quivive.core.telling import Telling
from quivive.model.access import (
    AccessBody,
    Action,
    AttributionSource,
    CaptureMode,
    CoverageClass,
    Grade,
    Outcome,
    RecordGroup,
)
from quivive.model.alert import IncidentBody, IncidentKind
from quivive.model.clock import now_us
from quivive.model.entry import EntryKind
from quivive.output_settings import OutputKind, OutputSettings, Told
from quivive.outputs.outbox import Outbox

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
AGENT, RECORD, INCIDENT = "aa" * 16, "bb" * 16, "cc" * 16


def until(condition):
    """Wait for the pipeline, at most a minute."""
    waiting = threading.Event()
    for _ in range(1_200):
        if condition():
            return
        waiting.wait(0.05)
    raise AssertionError("did not happen")


@pytest.fixture
def lines():
    """A TCP server that keeps every byte of every connection."""
    server = socket.create_server(("127.0.0.1", 0))
    got = []

    def serve():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                data = b""
                while part := connection.recv(65_536):
                    data += part
                got.append(data)

    threading.Thread(target=serve, daemon=True).start()
    yield f"tcp://127.0.0.1:{server.getsockname()[1]}", got
    server.shutdown(socket.SHUT_RDWR)
    server.close()


@pytest.fixture
def hook():
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((dict(self.headers), self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200 if len(got) > 1 else 503)
            self.end_headers()

        def log_message(self, *_):
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", got
    server.shutdown()
    thread.join()
    server.server_close()


def incident(core, to_at=0):
    body = IncidentBody(
        incident=INCIDENT, incident_kind=IncidentKind.SOURCE_SILENT, controller="aurore", source="api",
        from_at=now_us() - 1_000_000, to_at=to_at, suppressed=3, facts=(),
    )  # fmt: skip
    core.writer.write(EntryKind.INCIDENT, body, controller="aurore")


def access(core):
    at = now_us() - 1_000_000
    body = AccessBody(
        access="dd" * 16, part=0, final=True, at=at, ended_at=at + 5, agent=AGENT, account="", contact="", session="s",
        attribution=AttributionSource.DECLARED, action=Action.READ, mode=CaptureMode.OBSERVE, grade=Grade.B,
        shape="0" * 16, tables=("public.customer",), columns=(), changed=(), coverage=CoverageClass.EXACT,
        records=(RecordGroup(table="public.customer", keys=(RECORD,)),), rows=1, rows_bytes=10, distinct=1, patterns=(),
        neighbourhoods=(), outcome=Outcome.OK, program="crm",
    )  # fmt: skip
    core.writer.write(EntryKind.ACCESS, body, controller="aurore")


def telling(core, output, clock=now_us):
    settings = replace(core.settings, outputs=(output,))
    return Telling(settings=settings, projection=core.projection, ledger=core.ledger, clock=clock, ready=lambda: True)


def told(core, name):
    rows = core.ledger.shards()
    return any(core.projection.watermark().get(shard, 0) >= 1 for shard in rows if shard.startswith(name))


def test_an_incident_reaches_a_webhook_once_and_again_when_it_was_refused(core, hook, tmp_path):
    """503, then accepted with the same id and body; nothing is sent a third time."""
    target, got = hook
    (core.home / "hook.secret").write_text(SECRET)
    core.start()
    incident(core)
    until(lambda: told(core, "aurore"))
    output = OutputSettings(
        name="soc", kind=OutputKind.WEBHOOK, target=target, secret_file="hook.secret", private_networks=("127.0.0.0/8",)
    )
    ahead = [0]
    teller = telling(core, output, lambda: now_us() + ahead[0])
    outbox = Outbox(tmp_path / "outbox.db")
    until(lambda: teller.look(outbox, output))
    assert teller.send(outbox, output) == 0
    assert teller.send(outbox, output) == 0
    assert len(got) == 1
    ahead[0] = 6_000_000
    assert teller.send(outbox, output) == 1
    assert teller.look(outbox, output) == 0
    (first, body), (second, again) = got
    assert body == again
    assert first["webhook-id"] == second["webhook-id"]
    found = Webhook(SECRET).verify(again, {name.lower(): value for name, value in second.items()})
    assert found["type"] == "incident.opened"
    assert found["data"] == {
        "controller": "aurore", "id": INCIDENT, "severity": "medium", "state": "open", "topic": "source_silent"
    }  # fmt: skip
    outbox.close()


@pytest.mark.parametrize("kind", [OutputKind.OCSF, OutputKind.CEF])
def test_an_access_reaches_a_collector_without_anybody_in_it(core, lines, tmp_path, kind):
    """New accesses only; no agent, no record and no session, in the message and on the way."""
    target, got = lines
    core.start()
    output = OutputSettings(name="siem", kind=kind, target=target, tell=(Told.ACCESSES,))
    teller = telling(core, output)
    outbox = Outbox(tmp_path / "outbox.db")
    assert teller.look(outbox, output) == 0
    access(core)
    until(lambda: teller.look(outbox, output))
    kept = (tmp_path / "outbox.db").read_bytes() + (tmp_path / "outbox.db-wal").read_bytes()
    assert teller.send(outbox, output) == 1
    until(lambda: got)
    if kind is OutputKind.OCSF:
        event = msgspec.json.decode(got[0])
        assert (event["type_uid"], event["actor"]) == (600501, {"app_name": "crm"})
        assert json.dumps(event)
    else:
        length, _, message = got[0].partition(b" ")
        assert int(length) == len(message)
        assert b"CEF:0|Quivive|Quivive|" in message
    for word in (AGENT, RECORD):
        assert word.encode() not in got[0]
        assert word.encode() not in kept
    outbox.close()


def test_a_collector_that_is_away_costs_nothing_but_rows(core, tmp_path):
    """The message waits; the next attempt is later."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        target = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    output = OutputSettings(name="siem", kind=OutputKind.CEF, target=target)
    teller = telling(core, output)
    outbox = Outbox(tmp_path / "outbox.db")
    outbox.put("siem", {"a": b"1 x"}, {}, now_us())
    assert teller.send(outbox, output) == 0
    assert outbox.counts() == {("siem", "waiting"): 1}
    assert outbox.due("siem", now_us(), 10) == []
    outbox.close()

"""One exchange over a real connection: yes only after the disk, no at once, marks that outlive a kill."""

import asyncio
import json
from dataclasses import replace
from hashlib import sha256

import pytest
import uvloop
from gate_support import ANNA, KEYS, LENT, NOW, POLICY, SPACE, policy

from quivive.model.errors import StorageError
from quivive.model.recording import GateReason
from quivive.privacy.pseudonym import contact_key
from quivive.recordings.gate.calls import CallBook
from quivive.recordings.gate.exchange import Exchange
from quivive.recordings.gate.server import GateConnection
from quivive.spool import AsyncSpool, SpoolCursor, SpoolReader, SpoolWriter

TOKEN = "a-token-of-the-test"
LENT_HERE = replace(LENT, tokens={"pbx": (sha256(TOKEN.encode()).hexdigest(),)})
FORM = {"agent": "4105", "call": "1763.4", "announced": "v3", "queue": "assistance"}


class Running:
    """An exchange behind a loopback port."""

    def __init__(self, folder, given_policy=POLICY):
        self.folder, self.policy = folder, given_policy

    async def __aenter__(self):
        writer = SpoolWriter.open(self.folder / "spool", "pbx", NOW)
        self.spool = AsyncSpool(writer)
        self.book = CallBook.open(self.folder / "run" / "pbx.marks", NOW)
        self.exchange = Exchange("pbx", SPACE, self.spool, self.book, lambda: NOW)
        self.exchange.policy, self.exchange.lent = self.policy, LENT_HERE
        self.open = set()
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(lambda: GateConnection(self.exchange, self.open), "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()
        for connection in list(self.open):
            connection.dismiss()
        await asyncio.sleep(0)

    async def ask(self, path="/may_record", fields=FORM, method="POST", token=TOKEN, accept="*/*", query=""):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        body = "&".join(f"{name}={value}" for name, value in (fields or {}).items()).encode()
        writer.write(
            f"{method} {path}{query} HTTP/1.1\r\nAuthorization: Bearer {token}\r\nAccept: {accept}\r\n"
            f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        answer = (await reader.read()).decode()
        writer.close()
        head, _, text = answer.partition("\r\n\r\n")
        return int(head.split(" ")[1]), text

    async def entries(self):
        await self.spool.durable(self.spool.writer.last_seq)
        found = SpoolReader(self.folder / "spool", "pbx").poll(SpoolCursor(source="pbx", epoch=0, seq=0), 1_000)
        return [(event.kind, json.loads(event.body)) for event in found]


def run(work):
    """On the loop that the process uses."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def test_a_yes_is_on_disk_before_it_is_heard(tmp_path):
    """The answer's own id stands in the spool when the exchange reads it."""

    async def work():
        async with Running(tmp_path) as running:
            status, text = await running.ask()
            allowed, reason, answer = text.split("\n")[:3]
            assert (status, allowed, reason) == (200, "allow", "permitted")
            assert running.spool.durable_seq == 1
            ((kind, body),) = await running.entries()
            assert (kind, body["answer"], body["allowed"]) == ("recording.answer", answer, True)
            assert (body["person"], body["contact"]) == (ANNA, contact_key(KEYS, "1763.4"))
            assert "4105" not in json.dumps(body)

    run(work())


def test_a_disk_that_refuses_makes_every_yes_a_no(tmp_path, monkeypatch):
    """And the trace tells the no that was given."""

    async def work():
        async with Running(tmp_path) as running:

            def refuse(_self):
                raise StorageError("full")

            monkeypatch.setattr(SpoolWriter, "flush", refuse)
            _, text = await running.ask()
            assert text.split("\n")[:2] == ["deny", GateReason.TRACE_NOT_WRITTEN]
            monkeypatch.undo()
            told = [body for _, body in await running.entries()]
            assert {body["answer"] for body in told} == {told[0]["answer"]}
            assert [body["allowed"] for body in told] == [True, False]

    run(work())


def test_json_for_programs_and_headers_for_a_get(tmp_path):
    """The same question in another form."""

    async def work():
        async with Running(tmp_path) as running:
            _, text = await running.ask(accept="application/json")
            assert json.loads(text)["reason"] == "permitted"
            status, text = await running.ask(method="GET", fields=None, query="?call=1763.4&announced=v3")
            assert (status, text.split("\n")[1]) == (200, "unknown_agent")

    run(work())


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"token": "another"}, 401, "token"),
        ({"path": "/elsewhere"}, 404, "not_found"),
        ({"path": "/objection", "method": "GET", "fields": None}, 405, "post_only"),
        ({"fields": {"agent": "4105"}}, 400, "call"),
        ({"query": "?agent=4105"}, 400, "person_in_address"),
        ({"fields": FORM | {"caller": "0199000001"}}, 400, "unknown_field"),
        ({"fields": FORM | {"controller": "mercato"}}, 400, "controller"),
        ({"path": "/payment_step"}, 400, "step"),
        ({"fields": FORM | {"by_hand": "perhaps"}}, 400, "by_hand"),
    ],
)
def test_what_is_not_understood_is_denied_and_counted(tmp_path, changes, status, code):
    """The first line is `deny` whatever the status, and the next heartbeat tells a gap."""

    async def work():
        async with Running(tmp_path) as running:
            got, text = await running.ask(**changes)
            assert (got, text.split("\n")[:2]) == (status, ["deny", code])
            running.exchange.beat(NOW)
            kinds = [kind for kind, _ in await running.entries()]
            assert kinds == ["gap", "heartbeat"]

    run(work())


def test_payment_private_and_objection_stop_and_resume(tmp_path):
    """A payment interrupts and lets go on; a private call and an objection do not."""

    async def work():
        async with Running(tmp_path) as running:

            async def reason(path, **more):
                return (await running.ask(path, FORM | more))[1].split("\n")[1]

            assert await reason("/may_record") == "permitted"
            assert await reason("/payment_step", step="begin") == "payment_step"
            assert await reason("/may_record") == "payment_step"
            assert await reason("/payment_step", step="end") == "permitted"
            assert await reason("/objection", channel="spoken") == "objection"
            assert await reason("/may_record") == "objection"
            assert await reason("/private_call", call="1763.9") == "private_call"
            kinds = [kind for kind, _ in await running.entries()]
            assert (kinds.count("recording.answer"), kinds.count("objection")) == (7, 1)

    run(work())


def test_marks_and_counts_outlive_a_kill(tmp_path):
    """The journal is read again: an objection stays one, a month's calls stay used."""

    async def work():
        async with Running(tmp_path, policy(cap_month=1)) as running:
            await running.ask()
            await running.ask("/objection", FORM | {"call": "1763.7"})
            running.spool.writer.abandon()  # killed: nothing was closed
        async with Running(tmp_path, policy(cap_month=1)) as running:
            assert (await running.ask(fields=FORM | {"call": "1763.7"}))[1].split("\n")[1] == "objection"
            assert (await running.ask(fields=FORM | {"call": "1763.8"}))[1].split("\n")[1] == "cap_reached"
            assert (await running.ask())[1].split("\n")[1] == "permitted"

    run(work())


def test_answers_come_in_the_order_asked(tmp_path):
    """A yes waits for the disk; the no behind it on the same connection waits for the yes."""

    async def work():
        async with Running(tmp_path) as running:
            reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
            for agent in ("4105", "9999"):
                body = f"agent={agent}&call=1763.4&announced=v3".encode()
                writer.write(
                    f"POST /may_record HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n".encode()
                    + body
                )
            text = ""
            while "unknown_agent" not in text:
                text += (await reader.read(4_096)).decode()
            assert text.index("permitted") < text.index("unknown_agent")
            writer.close()

    run(work())


def test_an_objection_is_acknowledged_only_once_it_is_on_disk(tmp_path, monkeypatch):
    """A disk that refuses: 503 and a deny; it is kept and reaches the ledger when the disk is back."""

    async def work():
        async with Running(tmp_path) as running:
            status, text = await running.ask("/objection")
            assert (status, text.split("\n")[:2]) == (200, ["deny", "objection"])
            assert running.spool.durable_seq == 2

            def refuse(_self):
                raise StorageError("full")

            monkeypatch.setattr(SpoolWriter, "flush", refuse)
            status, text = await running.ask("/objection", FORM | {"call": "1763.5"})
            assert (status, text.split("\n")[:2]) == (503, ["deny", GateReason.TRACE_NOT_WRITTEN])
            monkeypatch.undo()
            kinds = [kind for kind, _ in await running.entries()]
            assert kinds.count("objection") == 2

    run(work())


@pytest.mark.parametrize(
    ("path", "more", "lost"),
    [("/objection", {}, 2), ("/private_call", {}, 1), ("/payment_step", {"step": "begin"}, 1)],
)
def test_a_statement_the_spool_does_not_take_is_no_200_and_a_gap(tmp_path, monkeypatch, path, more, lost):
    """The gap is told when there is room again, not before, and once."""

    async def work():
        async with Running(tmp_path) as running:

            def refuse(_self, **_):
                raise StorageError("too much waits")

            monkeypatch.setattr(SpoolWriter, "append", refuse)
            status, text = await running.ask(path, FORM | more)
            assert (status, text.split("\n")[:2]) == (503, ["deny", GateReason.TRACE_NOT_WRITTEN])
            running.exchange.beat(NOW)
            monkeypatch.undo()
            running.exchange.beat(NOW)
            running.exchange.beat(NOW)
            found = await running.entries()
            assert [kind for kind, _ in found] == ["gap", "heartbeat", "heartbeat"]
            assert (found[0][1]["cause"], found[0][1]["lost"]) == ("spool_full", lost)

    run(work())

"""What is fuzzed: each target takes any bytes and ends in a parse or in the error that it is allowed, nothing else.

Run by `fuzz.py` (make fuzz) and, over the corpus, by tests/unit/test_fuzz_corpus.py. A broken claim is an AssertionError
or whatever the code raised; both are findings. No value of a person stands here or in the corpus.
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from example_catalogue import SNAPSHOT
from relay_parts import ACTIVE, KEYS, START_AT, MemorySpool

from quivive.capture.address import Address
from quivive.capture.arrival import Front
from quivive.capture.attribution import AttributionSettings
from quivive.capture.composite import composite_binary, composite_text
from quivive.capture.context import RelayContext, SourceFacts
from quivive.capture.copying import reader_of
from quivive.capture.encodings import codec_of, utf8
from quivive.capture.logins import LoginsFile, read_logins
from quivive.capture.postgres_proxy import Relayed
from quivive.capture.recorder import Recorder
from quivive.capture.statements import Statements
from quivive.capture.target import Target
from quivive.capture.termination import RefusalError, Termination
from quivive.capture.tls import TlsError, TlsFilter, client_context
from quivive.model.access import CaptureMode, Grade
from quivive.model.errors import ConfigurationError
from quivive.privacy.canonical import canonical_alternate, canonical_key, canonicaliser, split_key
from quivive.wire.comment import merge_tags, parse_tags
from quivive.wire.framing import PeerError
from quivive.wire.postgres import messages
from quivive.wire.postgres.copy import CopyReader
from quivive.wire.postgres.rows import cut_head, cutter_of, skip_rows
from quivive.wire.postgres.scram import ScramClient, prepared, server_first
from quivive.wire.postgres.scram_server import ScramServer, read_verifier, verifier_of
from quivive.wire.postgres.session import PgSession
from quivive.wire.shape import shape_of
from quivive.wire.sql import plan_of

MAX_STATEMENTS_SHARED = 2_000
MAX_HELD = 2 << 20
Read = tuple[bool, bytes]
_shared = Statements()
_shared_uses = 0


class _Still(RelayContext):
    """A context that never asks aside, and whose clock stands: two runs must tell the same."""

    def refresh(self) -> None:
        """Nobody can be asked."""


def _context(mode: CaptureMode = CaptureMode.OBSERVE, max_records: int = 0) -> tuple[RelayContext, MemorySpool]:
    global _shared, _shared_uses  # noqa: PLW0603  # plans cost a millisecond each
    _shared_uses += 1
    if _shared_uses > MAX_STATEMENTS_SHARED:
        _shared, _shared_uses = Statements(), 0
    spool = MemorySpool()
    facts = SourceFacts(
        name="db",
        controller="aurore",
        region="FR",
        mode=mode,
        closed=False,
        grade=Grade.A,
        attribution=AttributionSettings(namespace="crm"),
        max_records=max_records,
        limited=max_records > 0,
    )
    context = _Still(
        facts=facts,
        keys=KEYS,
        spool=spool,
        epoch=255,
        clock=lambda: START_AT,
        snapshot=SNAPSHOT,
        policy=ACTIVE,
        side=None,
        reload=None,
    )
    context.statements = _shared
    return context, spool


def reads_of(data: bytes) -> list[Read]:
    """A conversation: direction (lowest bit: the server), length (two bytes), bytes; again and again."""
    reads, at = [], 0
    while at + 3 <= len(data):
        size = int.from_bytes(data[at + 1 : at + 3], "big")
        reads.append((bool(data[at] & 1), data[at + 3 : at + 3 + size]))
        at += 3 + size
    return reads


def _told(reads: list[Read], *, guarded: bool, whole: bool, mode: CaptureMode, most: int = 0) -> tuple[Any, ...]:
    """Play a conversation: where it broke (-1 nowhere), what passed each way, what was recorded."""
    context, spool = _context(mode, most)
    recorder = Recorder(context, login="app", startup={}, guarded=guarded)
    session = PgSession(recorder, guarded=guarded, refusal=b"E\x00\x00\x00\x05\x00")
    passed = (bytearray(), bytearray())
    broken = -1
    for number, (server, data) in enumerate(reads):
        take = session.server_bytes if server else session.client_bytes
        try:
            for piece in (data,) if whole else (data[n : n + 1] for n in range(len(data))):
                passed[server].extend(take(piece))
                while server and session.stopping:
                    session.stopping = False
                    passed[server].extend(take(b""))
                recorder.chunk_done()
        except PeerError:
            broken = number
            break
        for buffer in (session._from_client, session._from_server):
            assert buffer.held < MAX_HELD, "an unfinished frame beyond its bound"
    recorder.lost(session.running)
    return broken, bytes(passed[0]) if guarded else b"", bytes(passed[1]) if guarded else b"", _joined(spool)


def _joined(spool: MemorySpool) -> list[Any]:
    """Accesses with their parts joined: how a result is cut into parts may hang on how it was read."""
    found: dict[str, dict[str, Any]] = {}
    rest: list[Any] = []
    for kind, told in spool.entries:
        if kind.value != "access":
            rest.append((kind.value, told))
            continue
        body = dict(told)
        keys = {(one["table"], key) for one in body.pop("records", ()) for key in one["keys"]}
        known = found.setdefault(body["access"], {"keys": set()})
        known["keys"] |= keys
        if body["final"]:
            known["final"] = {k: v for k, v in body.items() if k not in {"part", "neighbourhoods", "alternates"}}
    return [*rest, *found.items()]


def _alike(whole: tuple[Any, ...], split: tuple[Any, ...]) -> None:
    """Where a stream breaks, rows before it in the same read may go untold (a gap says so); else nothing may differ."""
    assert whole[0] == split[0], "reads decide where it breaks"
    assert whole[0] >= 0 or whole == split, "reads decide what passes, or what is told"


def session(data: bytes) -> None:
    """Both halves of the codec, with the recorder that reads what they tell: whole and byte by byte alike."""
    reads = reads_of(data)
    whole = _told(reads, guarded=False, whole=True, mode=CaptureMode.OBSERVE)
    _alike(whole, _told(reads, guarded=False, whole=False, mode=CaptureMode.OBSERVE))


def guarded(data: bytes) -> None:
    """The same where bytes are held back: strict, with a limit of three records."""
    reads = reads_of(data)
    whole = _told(reads, guarded=True, whole=True, mode=CaptureMode.OBSERVE, most=3)
    split = _told(reads, guarded=True, whole=False, mode=CaptureMode.OBSERVE, most=3)
    _alike(whole, split)
    _told(reads, guarded=True, whole=True, mode=CaptureMode.STRICT)


def statement(data: bytes) -> None:
    """The lexer, the comments, the plan, and all that a recorder makes of one text and its binds."""
    text, _, rest = data.partition(b"\x00")
    context, _ = _context()
    recorder = Recorder(context, login="app", startup={"client_encoding": "UTF8"}, guarded=False)
    session_ = PgSession(recorder, guarded=False, refusal=b"")
    binds = rest.split(b"\x00")[:8] if rest else []
    parse = messages.frame(b"P", b"\x00" + text + b"\x00\x00\x00")
    values = b"".join(len(value).to_bytes(4, "big") + value for value in binds)
    bind = messages.frame(b"B", b"\x00\x00\x00\x00" + len(binds).to_bytes(2, "big") + values + b"\x00\x00")
    execute = messages.frame(b"E", b"\x00\x00\x00\x00\x00")
    for request, tag in ((messages.frame(b"Q", text + b"\x00"), b""), (parse + bind + execute + messages.SYNC, b"12")):
        session_.client_bytes(request)
        answer = b"".join(messages.frame(kind.to_bytes(1, "big"), b"") for kind in tag)
        session_.server_bytes(answer + messages.frame(b"C", b"SELECT 1\x00") + messages.ready_for_query(0x49))
    recorder.lost(session_.running)


def shape(data: bytes) -> None:
    """The lexer and sqlglot's plan alone: faster, so deeper."""
    shaped = shape_of(data.decode("utf-8", "replace"))
    assert len(shaped.text) <= 12 * len(data) + 64, "a shape far longer than its text"
    if len(data) < 512:
        plan_of(shaped.text)


def comment(data: bytes) -> None:
    """Tags of SQL comments."""
    text = data.decode("utf-8", "replace")
    tags: dict[str, str] = {}
    disputed: set[str] = set()
    for part in text.split("*/"):
        merge_tags(tags, disputed, parse_tags(part))
    shape_of(f"select 1 /*{text}*/ from customer -- {text}")


_COPIES = (
    "copy customer to stdout",
    "copy customer to stdout (format csv, header)",
    "copy customer to stdout (format csv, quote '''', escape '\\', delimiter ';', null 'N')",
    "copy customer to stdout (format binary)",
    "copy customer to stdout (delimiter '|', null '', header)",
)


def copy(data: bytes) -> None:
    """The readers of COPY: whole and byte by byte alike."""
    if not data:
        return
    text = _COPIES[data[0] % len(_COPIES)]
    shaped = shape_of(text)
    (plan,) = plan_of(shaped.text)
    assert plan.copy is not None
    indexes = (0,) if data[0] & 0x80 else (0, 2)

    def rows(pieces: list[bytes]) -> Any:
        reader: CopyReader = reader_of(plan.copy, shaped, indexes)  # type: ignore[arg-type]
        found: list[Any] = []
        try:
            for piece in pieces:
                found += reader.feed(piece)
            found += reader.finish()
        except PeerError:
            return found, "refused"
        return found, ""

    body = data[1:]
    assert rows([body]) == rows([body[n : n + 1] for n in range(len(body))]), "reads decide which rows there are"


_TYPES = (16, 17, 18, 19, 20, 21, 23, 25, 26, 1042, 1043, 1082, 1114, 1184, 1700, 2950, 0, 2249, 99_999)


def keys(data: bytes) -> None:
    """Every reader of a key value, in text and in binary, composites and alternates."""
    if len(data) < 2:
        return
    type_oid, raw = _TYPES[data[0] % len(_TYPES)], data[1:]
    for wire_format in (0, 1):
        text = canonicaliser(type_oid, wire_format)(raw)
        if text is not None:
            text.encode("utf-8", "surrogatepass")
            assert split_key(canonical_key([text, "x"])) == [text, "x"], "a key that cannot be taken apart again"
    for fields in (composite_text(raw), composite_binary(raw)):
        assert fields is None or len(fields) <= 1_665, "more fields than a row can have"
    for kind in ("phone", "email", "customer_number"):
        canonical_alternate(kind, raw.decode("utf-8", "replace"), "FR")
    codec = codec_of(raw[:12])
    if codec:
        utf8(raw, codec)


def rows(data: bytes) -> None:
    """The cutters of DataRow messages: each cuts, stops at a part, or refuses."""
    for indexes in ((0,), (0, 1), (2,), (0, 3, 1_663)):
        found: list[Any] = []
        try:
            position = cutter_of(indexes)(data, 0, len(data), 64, found)
        except PeerError:
            continue
        assert 0 <= position <= len(data)
        assert all(len(row) == len(indexes) for row in found), "a row with other columns than were asked for"
    for take in (lambda: skip_rows(data, 0, len(data)), lambda: cut_head(data, (0, 2)) if len(data) > 6 else None):
        with suppress(PeerError):
            take()


_VERIFIER = verifier_of("no-secret", b"0123456789abcdef", 1)
_BINDING = b"b" * 32


def scram(data: bytes) -> None:
    """SCRAM on both sides, verifiers and passwords."""
    first, _, rest = data.partition(b"\n")
    server = ScramServer(_VERIFIER, "ours", binding=_BINDING if data[:1] == b"p" else b"")
    try:
        server.first(first, plus=first.startswith(b"p="))
        server.final(rest)
    except PeerError:
        pass
    else:
        raise AssertionError("a proof that was guessed")
    client = ScramClient("no-secret", "theirs")
    try:
        if server_first(first).rounds < 100:
            client.final(first)
        client.verify(rest)
    except PeerError:
        pass
    else:
        raise AssertionError("a signature that was guessed")
    text = data.decode("utf-8", "surrogateescape")
    read_verifier(text)
    prepared(text)


def _logins() -> LoginsFile:
    file = LoginsFile(Path(), "db", "")
    file.current = read_logins('[app]\npassword = "no-secret"\n', "logins", b"0123456789abcdef")
    return file


_LOGINS = _logins()


def termination(data: bytes) -> None:
    """Authentication that ends in the relay: a conversation of both sides, never done without both proofs."""
    made = Termination(logins=_LOGINS, name="app", mock=b"m", front=_BINDING, behind=b"", nonce=lambda: "nonce")
    for server, body in reads_of(data):
        try:
            made.from_server(body) if server and body else made.from_client(body)
        except RefusalError:
            return
        assert not made.done, "let in by nobody"


def logins(data: bytes) -> None:
    """The file of logins: read, or refused without repeating it."""
    with suppress(ConfigurationError):
        read_logins(data.decode("utf-8", "replace"), "logins", b"0123456789abcdef")


def decoders(data: bytes) -> None:
    """Every decoder of a whole message."""
    end = len(data)
    for decode in (
        messages.row_description,
        messages.parse_message,
        messages.bind_message,
        messages.error_state,
    ):
        with suppress(PeerError):
            decode(data, 0, end)
    messages.session_settings(messages.startup_parameters(data))
    if end >= 4:
        messages.without_channel_binding(data)


class _Transport:
    """A socket without a network."""

    def __init__(self) -> None:
        self.closing = False
        self.written = 0

    def write(self, data: bytes) -> None:
        self.written += len(data)

    def close(self) -> None:
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


class _Target(Target):
    """A server that is there at once."""

    async def connect(self, leg: Any) -> None:
        leg.connection_made(_Transport())


_LOOP = asyncio.new_event_loop()


def arrival(data: bytes) -> None:
    """A whole connection from its first byte: start-up, cancel, authentication (relayed or ended here), session."""
    if not data:
        return
    _LOOP.run_until_complete(_arrive(data[0], reads_of(data[1:])))


async def _arrive(flags: int, reads: list[Read]) -> None:
    context, spool = _context()
    failed: list[BaseException] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, told: failed.append(told.get("exception") or AssertionError(told["message"])))
    front = Front(logins=_LOGINS if flags & 1 else None, tls_only=bool(flags & 2))
    relayed = Relayed(context, _Target(Address(host="x", port=1), None), lambda _: None, front)
    relayed.client.connection_made(_Transport())
    for server, body in reads:
        leg = relayed.server if server else relayed.client
        if leg.transport is None or leg.transport.is_closing():
            continue
        for piece in (body,) if flags & 4 else (body[n : n + 1] for n in range(len(body))):
            if piece:
                leg.data_received(piece)
            for _ in range(3):
                await asyncio.sleep(0)
    for leg in (relayed.client, relayed.server):
        if leg.transport is not None:
            leg.connection_lost(None)
    await asyncio.sleep(0)
    if failed:
        raise failed[0]
    for kind, _ in spool.entries:
        assert kind.value in {"access", "access.count", "gap", "link"}


_CLIENT_TLS = client_context(None, verify=False)
_SERVER_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


def tls(data: bytes) -> None:
    """Bytes of a handshake, on both sides: a TlsError at most."""
    for context, server_side in ((_CLIENT_TLS, False), (_SERVER_TLS, True)):
        made = TlsFilter(context, server_side=server_side)
        try:
            if not server_side:
                made.begin()
            assert made.received(data) == b""
        except TlsError:
            pass
        made.outgoing()


TARGETS: dict[str, Callable[[bytes], None]] = {
    each.__name__: each
    for each in (
        session,
        guarded,
        statement,
        shape,
        comment,
        copy,
        keys,
        rows,
        scram,
        termination,
        logins,
        decoders,
        arrival,
        tls,
    )
}
"""By name; a name is the folder of its corpus."""

"""`quivive witness`: cosigns an operator's spine for somebody else (https://c2sp.org/tlog-witness).

Run by a client company with one command; a process of its own, kept small: its own few lines of HTTP instead of a
framework (measured: below 30 MB). Must never sign before the new size is on disk, never sign a smaller tree, another
tree of the same size or one that does not contain the last one, and never forget a contradiction: two
checkpoints of one size and different roots are the proof of a split view, and are kept. A larger tree refused for its
proof is not one: anybody can put a wrong proof before a genuine checkpoint.

POST /add-checkpoint and GET /<SHA-256 of the origin>/checkpoint; everything else is 404.
"""

import base64
import binascii
import os
import socketserver
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from quivive.ledger.checkpoint import Checkpoint, CheckpointError, parse_checkpoint
from quivive.ledger.merkle import EMPTY_ROOT, ProofError, verify_consistency
from quivive.ledger.note import KeyType, NoteError, VerifierKey, open_signed, parse_verifier_key
from quivive.ledger.signing import cosign, cosigner_keys
from quivive.model.errors import ConfigurationError, StorageError

MAX_REQUEST_BYTES: Final = 128 * 1024
"""Body or head of a request: 63 proof lines and a note of ten signatures are below 64 kB."""
MAX_PROOF_LINES: Final = 63
MAX_CONFLICTS: Final = 1_000
"""Kept contradictions: two roots signed for one size, each pair once; a log that makes more is judged already."""
REQUEST_SECONDS: Final = 20
KEY_FILE: Final = "witness.key"
DATABASE_FILE: Final = "witness.db"
_REASONS: Final = {
    200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 409: "Conflict",
    413: "Content Too Large", 422: "Unprocessable Entity",
}  # fmt: skip
_SCHEMA: Final = """
create table if not exists heads (
    origin text primary key, size integer not null, root blob not null, note text not null, at integer not null);
create table if not exists conflicts (
    origin text not null, at integer not null, held text not null, offered text not null);
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body, and its type."""

    status: int
    body: str = ""
    type: str = "text/plain; charset=utf-8"


class Witness:
    """The judgement and its store; usable from several threads, one at a time."""

    def __init__(
        self,
        database: Path,
        name: str,
        signing: Ed25519PrivateKey,
        logs: Sequence[VerifierKey],
        clock: Callable[[], int],
    ) -> None:
        self.keys = cosigner_keys(name, signing)
        self._name, self._signing, self._clock = name, signing, clock
        self._logs: dict[str, list[VerifierKey]] = {}
        for key in logs:
            self._logs.setdefault(key.name, []).append(key)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(database, check_same_thread=False, isolation_level=None)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = full")
        self._db.executescript(_SCHEMA)

    def add_checkpoint(self, body: bytes) -> Answer:
        """Judge one submission; the statuses are those of tlog-witness."""
        try:
            old, proof, note = _read_request(body)
            origin = note.partition("\n")[0]
            if origin not in self._logs:
                return Answer(404, "unknown log\n")
            text, _ = open_signed(note.encode(), *self._logs[origin])
            offered = parse_checkpoint(text)
        except NoteError as error:
            return Answer(403, f"invalid signature: {error}\n")
        except (ValueError, CheckpointError, binascii.Error):
            return Answer(400, "malformed request\n")
        if old > offered.size:
            return Answer(400, "the old size is beyond the checkpoint\n")
        with self._lock:
            return self._judge(old, proof, offered, note)

    def checkpoint(self, origin_hash: str) -> Answer:
        """The last cosigned checkpoint of a log, for monitors."""
        with self._lock:
            for origin in self._logs:
                row = self._row(origin)
                if sha256(origin.encode()).hexdigest() == origin_hash and row:
                    return Answer(200, row[2] + self._lines(row[2].rpartition("\n\n")[0] + "\n", row[3]))
        return Answer(404)

    def conflicts(self) -> list[tuple[str, int, str, str]]:
        """Contradictions that were offered: origin, when, the note held, the note offered."""
        with self._lock:
            return self._db.execute("select origin, at, held, offered from conflicts order by at").fetchall()

    def _judge(self, old: int, proof: list[bytes], offered: Checkpoint, note: str) -> Answer:
        self._db.execute("begin immediate")
        try:
            answer = self._compare(old, proof, offered, note)
            if answer is None:
                at = self._clock()
                values = (offered.origin, offered.size, offered.root, _own_lines(note, self._logs[offered.origin]), at)
                self._db.execute("insert or replace into heads values (?, ?, ?, ?, ?)", values)
            self._db.execute("commit")  # on disk before anything is signed
        except BaseException:
            self._db.execute("rollback")
            raise
        return answer or Answer(200, self._lines(offered.text, at))

    def _compare(self, old: int, proof: list[bytes], offered: Checkpoint, note: str) -> Answer | None:
        row = self._row(offered.origin)
        size, root = (row[0], row[1]) if row else (0, EMPTY_ROOT)
        differs = bool(row) and offered.size == size and offered.root != root
        if row and differs:
            self._keep_conflict(offered, row[2], _own_lines(note, self._logs[offered.origin]))
        if old != size:
            return Answer(409, f"{size}\n", "text/x.tlog.size")
        if differs:
            return Answer(422, "another root than was cosigned for this size\n")
        if old == 0:
            empty = offered.size > 0 or offered.root == EMPTY_ROOT
            return None if empty and not proof else Answer(422, "consistency proof: there is none from nothing\n")
        try:
            verify_consistency(old=old, new=offered.size, old_root=root, new_root=offered.root, proof=proof)
        except ProofError as error:
            return Answer(422, f"consistency proof: {error}\n")
        return None

    def _keep_conflict(self, offered: Checkpoint, held: str, note: str) -> None:
        """Two heads of one size; the same size and root are kept once."""
        text = f"{offered.text}\n"
        known = "select 1 from conflicts where origin = ? and substr(offered, 1, ?) = ?"
        if self._db.execute(known, (offered.origin, len(text), text)).fetchone():
            return
        if self._db.execute("select count(*) from conflicts").fetchone()[0] < MAX_CONFLICTS:
            values = (offered.origin, self._clock(), held, note)
            self._db.execute("insert into conflicts values (?, ?, ?, ?)", values)

    def _row(self, origin: str) -> tuple[int, bytes, str, int] | None:
        found = self._db.execute("select size, root, note, at from heads where origin = ?", (origin,)).fetchone()
        return None if found is None else (found[0], found[1], found[2], found[3])

    def _lines(self, text: str, at: int) -> str:
        return cosign(text, self._name, self._signing, at)


def _read_request(body: bytes) -> tuple[int, list[bytes], str]:
    head, separator, note = body.decode("utf-8").partition("\n\n")
    first, *lines = head.split("\n")
    size = first.removeprefix("old ")
    if not separator or not first.startswith("old ") or not size.isdecimal() or str(int(size)) != size:
        raise ValueError("the old size line is malformed")
    if len(lines) > MAX_PROOF_LINES or int(size) >= 1 << 63:
        raise ValueError("too many proof lines")
    proof = [base64.b64decode(line, validate=True) for line in lines]
    if any(len(each) != len(EMPTY_ROOT) for each in proof):
        raise ValueError("a proof line is malformed")
    return int(size), proof, note


def _own_lines(note: str, keys: Sequence[VerifierKey]) -> str:
    """The note with the log's own lines alone."""
    text, _, lines = note.rpartition("\n\n")
    own = [line for line in lines.splitlines() if any(_signed_by(line, key) for key in keys)]
    return "\n".join([text, "", *own, ""])


def _signed_by(line: str, key: VerifierKey) -> bool:
    _, name, encoded = line.split(" ")
    return name == key.name and base64.b64decode(encoded)[: len(key.hash)] == key.hash


class _Handler(socketserver.StreamRequestHandler):
    """HTTP/1.1 as far as two calls need it; one request for a connection."""

    timeout = REQUEST_SECONDS
    witness: Witness

    def handle(self) -> None:
        try:
            answer = self._answer()
        except (OSError, ValueError):
            answer = Answer(400)
        data = answer.body.encode()
        head = (
            f"HTTP/1.1 {answer.status} {_REASONS[answer.status]}\r\nContent-Type: {answer.type}\r\n"
            f"Content-Length: {len(data)}\r\nConnection: close\r\n\r\n"
        )
        self.wfile.write(head.encode() + data)

    def _answer(self) -> Answer:
        method, path, _ = self.rfile.readline(4096).decode("ascii").split(" ", 2)
        headers: dict[str, str] = {}
        read = 0
        while (line := self.rfile.readline(8192).decode("latin-1")).strip():
            read += len(line)
            if read > MAX_REQUEST_BYTES:
                return Answer(413)
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        if path.endswith("/add-checkpoint"):
            if method != "POST":
                return Answer(405)
            length = int(headers.get("content-length", ""))
            if not 0 <= length <= MAX_REQUEST_BYTES:
                return Answer(413)
            return self.witness.add_checkpoint(self.rfile.read(length))
        if method == "GET" and path.endswith("/checkpoint"):
            return self.witness.checkpoint(path.removesuffix("/checkpoint").rpartition("/")[2])
        return Answer(404)


class WitnessServer(socketserver.ThreadingTCPServer):
    """Serves a witness on an address."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address: tuple[str, int], witness: Witness) -> None:
        handler = type("Handler", (_Handler,), {"witness": witness})
        super().__init__(address, handler)


def load_key(home: Path) -> Ed25519PrivateKey:
    """The witness's own key, made at the first start.

    Raises:
        StorageError: it cannot be read or written.
    """
    path = home / KEY_FILE
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            fresh = path.with_name(f".tmp-{KEY_FILE}")  # not `spool.durable`: that package brings asyncio's 9 MB along
            fresh.touch(mode=0o600)
            with fresh.open("wb") as file:
                file.write(os.urandom(32).hex().encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text(encoding="ascii").strip()))
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: cannot be read or written") from error


def load_logs(files: Sequence[Path]) -> list[VerifierKey]:
    """Public keys of the logs to cosign, one line each.

    Raises:
        ConfigurationError: a file holds something else.
    """
    keys: list[VerifierKey] = []
    for path in files:
        try:
            keys += [parse_verifier_key(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
        except (OSError, UnicodeDecodeError, NoteError) as error:
            raise ConfigurationError(
                file=str(path), key="log", expected="a log's public key (spine/vkey)", found="another text"
            ) from error
        if keys[-1].type is KeyType.COSIGNATURE:
            raise ConfigurationError(
                file=str(path), key="log", expected="a log's public key (spine/vkey)", found="a witness's key"
            )
    return keys


def serve(home: Path, name: str, listen: str, logs: Sequence[Path]) -> None:
    """Run until the process is ended."""
    os.umask(0o077)
    host, _, port = listen.rpartition(":")
    witness = Witness(home / DATABASE_FILE, name, load_key(home), load_logs(logs), lambda: int(time.time()))
    with WitnessServer((host, int(port)), witness) as server:
        for key in witness.keys:
            sys.stdout.write(f"{key.text}\n")
        sys.stdout.flush()
        server.serve_forever()


def main() -> None:
    """`python -m quivive.ledger.witness HOME NAME LISTEN LOG…`, started by `quivive witness`."""
    home, name, listen, *logs = sys.argv[1:]
    serve(Path(home), name, listen, [Path(log) for log in logs])


if __name__ == "__main__":
    main()

"""`quivive verify`: checks a data folder offline, with keys or without (DESIGN §7; reference ledger §5.9).

Called by the command and by the console's story. Must never use the network, write a file, believe heads.db, or
call *valid* what it could not open: without keys it says `payload not checked`.

Heads are read once, at the start: a folder in use goes on growing behind them, and what grew is not yet published.

It walks from the events up: segment frames → salted commitments → entry bundles → tiles → root → signed
checkpoint → slot in the spine → spine's own tiles, root and signature; and compares with every older head it finds.
"""

import contextlib
import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from quivive.ledger.certcheck import Missing, judge_missing
from quivive.ledger.checkpoint import Checkpoint, parse_checkpoint
from quivive.ledger.finding import Finding, FindingCode, Report
from quivive.ledger.logcheck import LogCheck
from quivive.ledger.note import NoteError, VerifierKey, open_signed, parse_verifier_key
from quivive.ledger.pinned import SLOTS as SLOTS_FILE
from quivive.ledger.pinned import pin
from quivive.ledger.policy import Policy
from quivive.ledger.segcheck import PayloadCheck, Segments, scan_segments
from quivive.ledger.signing import verifier_keys
from quivive.ledger.slot import SLOTS, SpineError, read_entry
from quivive.ledger.spine import Slots
from quivive.ledger.tile import ENTRIES, TILE_WIDTH, TileError, TileName, decode_bundle
from quivive.model.errors import QuiviveError
from quivive.privacy.keyring import Keyring
from quivive.spool.durable import TEMPORARY_PREFIX

MAX_FINDINGS: Final = 10_000
"""Findings kept: an altered day gives one each frame; beyond it the folder is plainly not what it was."""
MAX_RUNS: Final = 5
"""Runs over a folder in use whose spine was between its slots and its epoch: a few milliseconds of each second."""
_VKEYS: Final = ("vkey", "vkey-mldsa44")
_SPINE_FILES: Final = {"checkpoint", *_VKEYS, "slots.json", "lock", "heads.db", "heads.db-wal", "heads.db-shm"}
_LOG_FILES: Final = {"checkpoint", *_VKEYS}

T = TypeVar("T")
Checking = Generator[Finding, None, T]
"""A check that yields what is wrong and returns what it read."""
Heads = dict[str, dict[tuple[int, bytes], str]]
"""Origin → (size, root) that someone wrote down → the file where."""


def verify_home(
    home: Path,
    *,
    controller: str | None = None,
    spine_vkey: str | None = None,
    held: Sequence[Path] = (),
    policy: Policy | None = None,
) -> Report:
    """Check a data folder, with the keys below it if they are there.

    `controller` limits the check to one controller's log; `spine_vkey` is the spine's public key when the caller
    holds it from elsewhere (otherwise the folder's own is used, which proves integrity but not authorship);
    `held` are checkpoints kept elsewhere: of whichever log each is, that log must contain it; `policy` says whose
    cosignatures on the spine are enough.
    """
    for _ in range(MAX_RUNS):
        report, between = _run(home, controller, spine_vkey, held, policy)
        if not between:
            break
    return report


def _run(
    home: Path, controller: str | None, spine_vkey: str | None, held: Sequence[Path], policy: Policy | None
) -> tuple[Report, bool]:
    report, verification = Report(), None
    try:
        verification = _Verification(home, controller, spine_vkey, held, report, policy or Policy())
        for finding in verification.run():
            report.findings.append(finding)
            if len(report.findings) >= MAX_FINDINGS:
                break
    except OSError as error:
        place = str(error.filename or home)
        report.findings.append(Finding(code=FindingCode.UNREADABLE, place=place, detail=str(error.strerror)))
    return report, verification is not None and verification.between


class _Verification:
    def __init__(
        self,
        home: Path,
        controller: str | None,
        spine_vkey: str | None,
        held: Sequence[Path],
        report: Report,
        policy: Policy,
    ) -> None:
        self._policy = policy
        self._home, self._controller, self._spine_vkey, self._report = home, controller, spine_vkey, report
        self._held = [(str(path), path.read_bytes()) for path in held]
        self._shards: dict[str, Path] = {}  # shard → folder of its log
        self._missing: list[Missing] = []
        self._certificates: list[dict[str, Any]] = []
        pinned = pin(home)
        self._in_use, self._pinned = pinned.in_use, pinned.files
        self.between = False
        """A folder in use whose slots are those of an epoch about to be published."""
        self._keyring: Keyring | None = None
        self._by_log: dict[str, str] = {}  # log id → controller
        self._last_epoch: dict[str, Any] = {}
        self._slots_epoch: object = None
        self._origins: set[str] = set()
        self._previous: dict[str, Checkpoint] = {}  # log id → checkpoint of the month before

    def run(self) -> Iterator[Finding]:
        yield from self._open_keys()
        segments = Segments()
        for item in scan_segments(self._home, self._controller):
            if isinstance(item, Segments):
                segments = item
            elif not (self._in_use and item.code is FindingCode.SEGMENT_TAIL):  # an append is under way
                yield item
        self._by_log = {**segments.controllers, **self._by_log}
        texts = yield from self._slot_texts()
        heads: Heads = {}
        for text in texts.values():
            checkpoint = parse_checkpoint(text)
            heads.setdefault(checkpoint.origin, {})[checkpoint.size, checkpoint.root] = SLOTS_FILE
        checked: set[tuple[str, str]] = set()
        for folder in self._log_folders():
            place = (folder.parent.name, folder.name)
            checked.add(place)
            if self._controller is None or self._by_log.get(place[0]) == self._controller:
                yield from self._log(folder, segments, heads)
        for place in sorted(set(segments.shards) - checked):
            self._report.unpublished += sum(frame.count for frame in segments.shards[place])
            yield from self._missing_log(place)
        for origin in sorted(set(heads) - self._origins) if self._controller is None else ():
            detail = f"the last epoch names the log {origin}, which is gone"
            yield Finding(code=FindingCode.CHECKPOINT_MISSING, place=SLOTS_FILE, detail=detail)
        keys = self._keyring is not None
        yield from judge_missing(self._missing, self._certificates, self._entries_of, keys=keys)
        yield from self._spine()
        yield from self._slots(texts)
        yield from self._strangers()

    def _open_keys(self) -> Iterator[Finding]:
        if (self._home / "keys" / "operator.json").exists():
            try:
                self._keyring = Keyring.open(self._home)
                for controller in self._keyring.controllers():
                    self._by_log[self._keyring.log_keys(controller).log_id] = controller
            except QuiviveError as error:
                self._keyring = None
                yield Finding(code=FindingCode.UNREADABLE, place="keys", detail=str(error))
        if self._keyring is None:
            detail = "payload not checked: no keys; only commitments, tiles and signatures are"
            yield Finding(code=FindingCode.PAYLOAD_NOT_CHECKED, place="segments", detail=detail)

    def _log_folders(self) -> list[Path]:
        root = self._home / "log"
        found = {path.parent for name in _LOG_FILES for path in root.rglob(name)} if root.is_dir() else set()
        return sorted(found)

    def _log(self, folder: Path, segments: Segments, heads: Heads) -> Iterator[Finding]:
        """One shard: key, checkpoint, journal, tiles, payload."""
        log_id, month = folder.parent.name, folder.name
        origin = folder.relative_to(self._home / "log").as_posix()
        self._origins.add(origin)
        controller = self._by_log.get(log_id, log_id)
        shard = f"{controller}/{month}"
        self._shards[shard] = folder
        expected: tuple[VerifierKey, ...] = ()
        if self._keyring is not None and controller in self._keyring.controllers():
            expected = verifier_keys(origin, self._keyring.log_keys(controller).signing)
        keys = yield from self._keys(folder, origin, expected)
        journal = self._home / "spine" / "journal" / f"{log_id}-{month}"
        frames = segments.shards.get((log_id, month), [])
        checkpoint = yield from self._checkpoint(folder / "checkpoint", journal, keys)
        if checkpoint is None:
            self._report.unpublished += sum(frame.count for frame in frames)
            return
        known = dict(heads.get(origin, {}))
        known.update((yield from self._journal(journal, keys, checkpoint)))
        known.update((yield from self._heads_held(self._held, keys, origin)))
        payload = PayloadCheck(home=self._home, shard=shard, origin=origin, frames=frames, keys=self._keyring)
        check = LogCheck(home=self._home, folder=folder, checkpoint=checkpoint, heads=known, on_entry=payload.entry)
        yield from check.run()
        yield from payload.finish(checkpoint.size)
        self._missing += payload.missing
        self._certificates += payload.certificates
        yield from _ahead(known, checkpoint)
        yield from _opens_with(payload.first_event, self._previous.get(log_id), shard)
        self._previous[log_id] = checkpoint
        self._report.entries += checkpoint.size
        self._report.checkpoints += 1
        self._report.unpublished += payload.unpublished

    def _missing_log(self, place: tuple[str, str]) -> Iterator[Finding]:
        """Frames without a log: not published yet, unless the journal holds a signed head."""
        journal = f"spine/journal/{place[0]}-{place[1]}"
        if self._home / journal in self._pinned:
            yield Finding(
                code=FindingCode.CHECKPOINT_MISSING, place=journal, detail="the log it was signed for is gone"
            )

    def _keys(self, folder: Path, origin: str, expected: tuple[VerifierKey, ...]) -> Checking[tuple[VerifierKey, ...]]:
        """Public keys of a log: the keyring's when we have it, and the files beside the log must say the same."""
        found = dict(enumerate(expected))
        for number, name in enumerate(_VKEYS):
            path = folder / name
            if number and not path.exists() and len(expected) <= number:
                continue  # a log of before the second line
            try:
                text = path.read_text(encoding="utf-8")
                key = parse_verifier_key(text.removesuffix("\n"))
                same = (
                    key.name == origin and text == key.text + "\n" and key in (expected[number : number + 1] or [key])
                )
                _require(same, "not the key of this log")
                found[number] = key
            except (OSError, UnicodeDecodeError, QuiviveError) as error:
                place = path.relative_to(self._home).as_posix()
                yield Finding(code=FindingCode.KEY_DIFFERS, place=place, detail=_say(error))
        return tuple(found[number] for number in sorted(found))

    def _checkpoint(self, path: Path, journal: Path, keys: tuple[VerifierKey, ...]) -> Checking[Checkpoint | None]:
        place = path.relative_to(self._home).as_posix()
        if path not in self._pinned:
            if journal in self._pinned:
                detail = "the checkpoint is gone; the journal holds a signed one"
                yield Finding(code=FindingCode.CHECKPOINT_MISSING, place=place, detail=detail)
            return None
        try:
            return (yield from self._read(path, keys))
        except QuiviveError as error:
            yield Finding(code=FindingCode.CHECKPOINT_ALTERED, place=place, detail=str(error))
            return None

    def _read(self, path: Path, keys: tuple[VerifierKey, ...]) -> Checking[Checkpoint]:
        """A pinned checkpoint; a line that is missing, or that no key of ours wrote, is said."""
        checkpoint, signed = _read_checkpoint(self._pinned[path], keys)
        lines = self._pinned[path].rpartition(b"\n\n")[2].count(b"\n")
        if not len(keys) == signed == lines:
            place = path.relative_to(self._home).as_posix()
            detail = f"{signed} of {len(keys)} keys have signed, in {lines} lines"
            short = lines < len(keys)
            code = FindingCode.SIGNATURE_MISSING if short else FindingCode.CHECKPOINT_ALTERED
            yield Finding(code=code, place=place, detail=detail)
        return checkpoint

    def _heads_held(
        self, notes: Sequence[tuple[str, bytes]], keys: tuple[VerifierKey, ...], origin: str
    ) -> Checking[dict[tuple[int, bytes], str]]:
        """Heads of this log that stand elsewhere: with a witness, under a time-stamp, in the reader's own hands."""
        found: dict[tuple[int, bytes], str] = {}
        for place, data in notes:
            if not data.startswith(origin.encode() + b"\n"):
                continue
            try:
                checkpoint, _ = _read_checkpoint(data, keys)
            except QuiviveError as error:
                yield Finding(code=FindingCode.ANCHOR_ALTERED, place=place, detail=str(error))
                continue
            found[checkpoint.size, checkpoint.root] = place
        return found

    def _entries_of(self, shard: str, first: int, count: int) -> Iterator[bytes]:
        """Log entries from the tiles, for the root of a certificate."""
        folder = self._shards.get(shard)
        if folder is None:
            return
        for number in range(first // TILE_WIDTH, -(-(first + count) // TILE_WIDTH)):
            start = number * TILE_WIDTH
            full = folder / TileName(level=ENTRIES, number=number, width=TILE_WIDTH).path
            parts = sorted(full.with_suffix(".p").glob("[0-9]*"), key=lambda path: int(path.name))
            for path in [full] if full.is_file() else parts[-1:]:
                with contextlib.suppress(TileError):
                    width = TILE_WIDTH if path == full else int(path.name)
                    entries = decode_bundle(path.read_bytes(), width)
                    yield from entries[max(0, first - start) : max(0, first + count - start)]

    def _journal(
        self, path: Path, keys: tuple[VerifierKey, ...], checkpoint: Checkpoint
    ) -> Checking[dict[tuple[int, bytes], str]]:
        """The spine's copy of the last signed head: never ahead of the log, never another root."""
        place = path.relative_to(self._home).as_posix()
        if path not in self._pinned:
            yield Finding(code=FindingCode.JOURNAL_MISSING, place=place, detail="no copy of the last signed head")
            return {}
        try:
            signed = yield from self._read(path, keys)
            _require(signed.origin == checkpoint.origin, "the head of another log")
        except QuiviveError as error:
            yield Finding(code=FindingCode.JOURNAL_ALTERED, place=place, detail=str(error))
            return {}
        return {(signed.size, signed.root): place}

    def _spine(self) -> Iterator[Finding]:
        """The spine is a log like the others, with entries we can read."""
        folder = self._home / "spine"
        if not any((folder / name).exists() for name in ("checkpoint", "vkey", "tile", "journal/spine")):
            if self._report.checkpoints:
                detail = "there is no spine: an interrupted first publication, or it was removed"
                yield Finding(code=FindingCode.SLOTS_NOT_CHECKED, place="spine", detail=detail)
            return
        keys = yield from self._spine_keys(folder)
        journal = folder / "journal" / "spine"
        checkpoint = yield from self._checkpoint(folder / "checkpoint", journal, keys)
        if checkpoint is None:
            return
        known = yield from self._journal(journal, keys, checkpoint)
        anchors = [
            (path.relative_to(self._home).as_posix(), path.read_bytes())
            for path in sorted((folder / "anchors").glob("*"))
            if not path.name.startswith(TEMPORARY_PREFIX)
        ]
        known.update((yield from self._heads_held([*anchors, *self._held], keys, checkpoint.origin)))
        yield from self._witnessed([note for _, note in anchors])
        yield from LogCheck(
            home=self._home, folder=folder, checkpoint=checkpoint, heads=known, on_entry=self._spine_entry
        ).run()
        yield from _ahead(known, checkpoint)
        self._report.checkpoints += 1

    def _witnessed(self, notes: Sequence[bytes]) -> Iterator[Finding]:
        """Whether the witnesses that the reader trusts are enough."""
        cosigned: set[VerifierKey] = set()
        for note in notes:
            with contextlib.suppress(NoteError):
                cosigned |= set(open_signed(note, *(key for key, _ in self._policy.witnesses.values()))[1])
        if not self._policy.met(cosigned):
            detail = "unwitnessed: the quorum of the policy is not met"
            yield Finding(code=FindingCode.SIGNATURE_MISSING, place="spine/anchors", detail=detail)

    def _spine_keys(self, folder: Path) -> Checking[tuple[VerifierKey, ...]]:
        path = folder / "vkey"
        expected: tuple[VerifierKey, ...] = ()
        origin = path.read_text(encoding="utf-8", errors="replace").partition("+")[0] if path.exists() else ""
        if self._spine_vkey is not None:
            expected = (parse_verifier_key(self._spine_vkey),)
        elif self._keyring is not None:
            expected = verifier_keys(origin, self._keyring.spine_keys.signing)
        return (yield from self._keys(folder, expected[0].name if expected else origin, expected))

    def _spine_entry(self, index: int, data: bytes) -> Iterator[Finding]:
        place = f"spine index {index}"
        try:
            entry = read_entry(data)
        except SpineError as error:
            yield Finding(code=FindingCode.ENTRY_MALFORMED, place=place, detail=str(error))
            return
        if entry["kind"] != "epoch":
            return
        if entry.get("slots") != SLOTS or entry.get("epoch") != self._last_epoch.get("epoch", 0) + 1:
            detail = "epochs must follow each other, with a fixed number of slots"
            yield Finding(code=FindingCode.ENTRY_MALFORMED, place=place, detail=detail)
        self._last_epoch = entry

    def _slot_texts(self) -> Checking[dict[int, str]]:
        """Checkpoint texts of the last epoch; each is later compared with the log it names."""
        path = self._home / SLOTS_FILE
        if path not in self._pinned:
            return {}
        try:
            data = self._pinned[path]
            document = json.loads(data)
            texts = {int(slot): str(text) for slot, text in document["texts"].items()}
            for text in texts.values():
                parse_checkpoint(text)
            _require(json.dumps(document, sort_keys=True).encode() == data, "not written by the ledger")
        except (ValueError, KeyError, TypeError, AttributeError, QuiviveError) as error:
            yield Finding(code=FindingCode.SLOTS_DIFFER, place=SLOTS_FILE, detail=_say(error))
            return {}
        self._slots_epoch = document.get("epoch")
        return texts

    def _slots(self, texts: Mapping[int, str]) -> Iterator[Finding]:
        """With keys: the slots of the last epoch give the root that the spine holds."""
        if self._keyring is None or not self._last_epoch:
            return
        place = SLOTS_FILE
        if self._slots_epoch != self._last_epoch["epoch"]:
            self.between = self._in_use and self._slots_epoch == self._last_epoch["epoch"] + 1
            detail = "the slots are not those of the last epoch: an interrupted publication, or an older file"
            yield Finding(code=FindingCode.SLOTS_NOT_CHECKED, place=place, detail=detail)
            return
        used: dict[int, tuple[bytes, str]] = {}
        for slot, text in texts.items():
            controller = self._by_log.get(parse_checkpoint(text).origin.split("/")[-2])
            if controller is None or controller not in self._keyring.controllers():
                yield Finding(code=FindingCode.SLOTS_NOT_CHECKED, place=place, detail=f"slot {slot}: no keys")
                return
            used[slot] = (self._keyring.log_keys(controller).slot_salt, text)
        if Slots(self._keyring.spine_keys.slot_secret).root(used).hex() != self._last_epoch["root"]:
            detail = "the slots do not give the root of the last epoch"
            yield Finding(code=FindingCode.SLOTS_DIFFER, place=place, detail=detail)

    def _strangers(self) -> Iterator[Finding]:
        """Files that nobody of us writes."""
        journal = self._home / "spine" / "journal"
        logs = {f"{folder.parent.name}-{folder.name}": folder for folder in self._log_folders()}
        for path in sorted(journal.iterdir()) if journal.is_dir() else ():
            if path.name not in {*logs, "spine"} and not path.name.startswith(TEMPORARY_PREFIX):
                yield self._stranger(path)
        for path in sorted((self._home / "spine").glob("*")):
            if path.is_file() and path.name not in _SPINE_FILES and not path.name.startswith(TEMPORARY_PREFIX):
                yield self._stranger(path)
        for path in sorted((self._home / "log").rglob("*")) if (self._home / "log").is_dir() else ():
            inside_tile = "tile" in path.relative_to(self._home).parts
            ours = path.name in _LOG_FILES or path.name.startswith(TEMPORARY_PREFIX)
            if path.is_file() and not inside_tile and not ours:
                yield self._stranger(path)

    def _stranger(self, path: Path) -> Finding:
        place = path.relative_to(self._home).as_posix()
        return Finding(code=FindingCode.UNEXPECTED_FILE, place=place, detail="the ledger writes no such file")


def _read_checkpoint(data: bytes, keys: tuple[VerifierKey, ...]) -> tuple[Checkpoint, int]:
    """A checkpoint and how many of the keys signed it."""
    if not keys:
        raise QuiviveError("no public key to check its signature with")
    text, signed = open_signed(data, *keys)
    checkpoint = parse_checkpoint(text)
    if checkpoint.origin != keys[0].name:
        raise QuiviveError("the checkpoint of another log")
    return checkpoint, len(signed)


def _ahead(known: Mapping[tuple[int, bytes], str], checkpoint: Checkpoint) -> Iterator[Finding]:
    """Heads beyond the checkpoint: a restored backup, or a publication that was interrupted."""
    for (size, root), source in known.items():
        if size > checkpoint.size:
            detail = f"names size {size}, the log ends at {checkpoint.size}"
            yield Finding(code=FindingCode.JOURNAL_AHEAD, place=source, detail=detail)
        elif size == 0 and root != checkpoint.root:
            yield Finding(code=FindingCode.HEAD_DIFFERS, place=source, detail="an empty head")


def _opens_with(event: bytes | None, previous: Checkpoint | None, shard: str) -> Iterator[Finding]:
    """A month begins by committing to the final checkpoint of the month before."""
    if event is None or previous is None:
        return
    body = json.loads(event).get("body", {})
    if (body.get("origin"), body.get("size"), body.get("root")) != (
        previous.origin,
        previous.size,
        previous.root.hex(),
    ):
        detail = f"does not commit to the checkpoint of {previous.origin}"
        yield Finding(code=FindingCode.HEAD_DIFFERS, place=f"{shard} index 0", detail=detail)


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise QuiviveError(what)


def _say(error: Exception) -> str:
    if isinstance(error, QuiviveError):
        return str(error)
    return f"cannot be read: {type(error).__name__}"

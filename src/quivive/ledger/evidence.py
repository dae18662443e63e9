"""Checks what was handed to somebody: a controller's bundle, or one `.tlog-proof` (DESIGN §7; docs/verify.md).

Called by `quivive verify`. This file and what it imports are the whole verifier of a third party: kept short enough
to be read in an hour, one signature library, no network, no clock, nothing written (a test counts the lines).
Must never call *verified* what it could not open, nor an author what only the evidence itself names.

Bundle: `bundle.json`, for each month `logs/<yyyymm>/{vkey,vkey-mldsa44,checkpoint,entries,events.ndjson}`, and in
`spine/` the keys, the epoch's proof, the controller's slot with its path, and what witnesses cosigned.
`entries` are the log's 33-byte entries one behind the other; a line of `events.ndjson` is {event, index, salt}.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from quivive.ledger.certcheck import Missing, certificates_in, judge_missing
from quivive.ledger.checkpoint import Checkpoint, parse_checkpoint
from quivive.ledger.commitment import ENTRY_BYTES, SALT_BYTES, Committer
from quivive.ledger.finding import Finding, FindingCode, Report
from quivive.ledger.merkle import CompactRoot, ProofError, leaf_hash, verify_consistency, verify_inclusion
from quivive.ledger.note import VerifierKey, open_signed, parse_verifier_key
from quivive.ledger.proof import TlogProof, parse_proof
from quivive.ledger.slot import SLOTS, read_entry, slot_leaf
from quivive.model.errors import QuiviveError

BUNDLE_FILE: Final = "bundle.json"
BUNDLE_VERSION: Final = "quivive-bundle/v1"
VKEYS: Final = ("vkey", "vkey-mldsa44")


class Evidence:
    """Build it with what the reader holds from elsewhere.

    `keys` of logs, `held` checkpoints kept from earlier, keys of `witnesses`, and `enough` of them (a policy's quorum).
    """

    def __init__(
        self,
        *,
        keys: Iterable[VerifierKey] = (),
        held: Iterable[bytes] = (),
        witnesses: Iterable[VerifierKey] = (),
        enough: Callable[[set[VerifierKey]], bool] = lambda _: True,
    ) -> None:
        self._trusted, self._held, self._witnesses, self._enough = list(keys), list(held), list(witnesses), enough
        self._missing: list[Missing] = []
        self._certificates: list[dict[str, Any]] = []
        self.report = Report()

    def proof(self, path: Path) -> Report:
        """Check one proof with the payload it carries."""
        try:
            proof = parse_proof(path.read_text(encoding="utf-8"))
            keys = [key for key in self._trusted if proof.note.startswith(key.name + "\n")]
            if not keys or len(proof.extra) < SALT_BYTES:
                detail = "payload not checked: no public key of this log is held, or the proof carries no event"
                self._find(FindingCode.PAYLOAD_NOT_CHECKED, path.name, detail)
                return self.report
            checkpoint, _ = self._open(proof.note.encode(), keys, path.name)
            entry = Committer(checkpoint.origin).log_entry(proof.index, proof.extra[:32], proof.extra[32:])
            _included(entry, proof, checkpoint)
            self.report.entries, self.report.checkpoints = 1, 1
        except (QuiviveError, ValueError) as error:
            self._find(FindingCode.PAYLOAD_ALTERED, path.name, str(error))
        return self.report

    def bundle(self, folder: Path) -> Report:
        """Check a controller's bundle."""
        place = BUNDLE_FILE
        try:
            months = json.loads((folder / BUNDLE_FILE).read_bytes())[BUNDLE_VERSION]
            previous: Checkpoint | None = None
            for month in months:
                place = f"logs/{month}"
                previous = self._log(folder / place, place, previous)
            read = lambda shard, *part: _some_entries(folder / "logs" / shard.rpartition("/")[2], *part)  # noqa: E731
            self.report.findings += judge_missing(self._missing, self._certificates, read, keys=True)
            place = "spine"
            self._spine(folder / place, previous)
        except (OSError, QuiviveError, ValueError, KeyError, TypeError) as error:
            self._find(FindingCode.CHECKPOINT_ALTERED, place, f"cannot be checked: {error}")
        return self.report

    def _log(self, folder: Path, place: str, previous: Checkpoint | None) -> Checkpoint:
        """One month: entries up to the signed root, events down to their commitments."""
        keys = self._keys(folder, place)
        checkpoint, _ = self._open((folder / "checkpoint").read_bytes(), keys, place)
        heads = self._heads(checkpoint.origin, keys)
        events, compact, count = _Events(folder / "events.ndjson"), CompactRoot(), 0
        commit = Committer(checkpoint.origin).log_entry
        first = json.loads(events.left["event"]) if events.left else {}
        shard = f"{first.get('controller')}/{folder.name}"
        for index, entry in enumerate(_some_entries(folder, 0, checkpoint.size + 1)):
            compact.push(leaf_hash(entry))
            count = index + 1
            if any(head.size == count and head.root != compact.root() for head in heads):
                self._find(FindingCode.HEAD_DIFFERS, f"{place} size {count}", "another root than the checkpoint held")
            found = events.take(index)
            if found is None:
                self._missing.append(Missing(shard=shard, first=index, last=index))
            elif commit(index, *found) != entry:
                self._find(FindingCode.PAYLOAD_ALTERED, f"{place} index {index}", "not what the log has committed to")
            elif index == 0 and previous and not _commits_to(found[1], previous):
                self._find(FindingCode.HEAD_DIFFERS, f"{place} index 0", f"does not commit to {previous.origin}")
            else:
                self._certificates += certificates_in(found[1])
        if events.left:
            self._find(FindingCode.PAYLOAD_ALTERED, f"{place}/events.ndjson", "an event out of order, or of no entry")
        if (count, compact.root()) != (checkpoint.size, checkpoint.root):
            self._find(FindingCode.ROOT_DIFFERS, f"{place}/checkpoint", "the entries do not give the signed root")
        if any(head.size > checkpoint.size for head in heads):
            self._find(FindingCode.JOURNAL_AHEAD, place, "a longer log was signed than this one")
        self.report.entries += count
        self.report.checkpoints += 1
        return checkpoint

    def _spine(self, folder: Path, latest: Checkpoint | None) -> None:
        """The controller's last head stands in its slot of an epoch, and the epoch in the operator's log."""
        keys = self._keys(folder, "spine")
        proof = parse_proof((folder / "epoch.tlog-proof").read_text(encoding="utf-8"))
        checkpoint, _ = self._open(proof.note.encode(), keys, "spine/epoch.tlog-proof")
        _included(proof.extra, proof, checkpoint)
        slot = json.loads((folder / "slot.json").read_bytes())
        leaf = leaf_hash(slot_leaf(_bytes(slot["salt"]), slot["text"]))
        path, epoch = [_bytes(each) for each in slot["path"]], read_entry(proof.extra)
        verify_inclusion(entry_hash=leaf, index=slot["slot"], size=SLOTS, proof=path, root=_bytes(str(epoch["root"])))
        if latest is None or slot["text"] != latest.text:
            self._find(FindingCode.SLOTS_NOT_CHECKED, "spine/slot.json", "the slot holds an earlier head than this log")
        anchored = json.loads((folder / "anchors.json").read_bytes())
        cosigned: set[VerifierKey] = set()
        for name, consistency in anchored.items():
            note = (folder / "anchors" / name).read_bytes()
            anchor, signed = self._open(note, keys, f"spine/anchors/{name}")
            cosigned |= signed & set(self._witnesses)
            path, sizes = [_bytes(each) for each in consistency], {"old": anchor.size, "new": checkpoint.size}
            try:
                verify_consistency(**sizes, old_root=anchor.root, new_root=checkpoint.root, proof=path)
            except ProofError as error:
                self._find(FindingCode.HEAD_DIFFERS, f"spine/anchors/{name}", str(error))
        for head in self._heads(checkpoint.origin, keys):
            if head.size > checkpoint.size or (head.size == checkpoint.size and head.root != checkpoint.root):
                self._find(FindingCode.JOURNAL_AHEAD, "spine", f"a head of size {head.size} is held; this differs")
        self.report.checkpoints += 1
        if not self._enough(cosigned):
            self._find(FindingCode.SIGNATURE_MISSING, "spine/anchors", "unwitnessed: the policy's quorum is not met")

    def _keys(self, folder: Path, place: str) -> list[VerifierKey]:
        """Keys of a log: those held from elsewhere, then those beside it, which must not contradict them."""
        beside = [parse_verifier_key((folder / name).read_text(encoding="utf-8").rstrip("\n")) for name in VKEYS]
        held = [key for key in self._trusted if key.name == beside[0].name]
        if any(key.type == other.type and key != other for key in held for other in beside):
            self._find(FindingCode.KEY_DIFFERS, f"{place}/vkey", "another key than the one held")
        return held + [key for key in beside if key.type not in {other.type for other in held}]

    def _open(self, note: bytes, keys: Sequence[VerifierKey], place: str) -> tuple[Checkpoint, set[VerifierKey]]:
        text, signed = open_signed(note, *keys, *self._witnesses)
        checkpoint = parse_checkpoint(text)
        if not set(keys) & set(signed) or checkpoint.origin != keys[0].name:
            raise QuiviveError("not signed by this log")
        if not set(keys) <= set(signed):
            self._find(FindingCode.SIGNATURE_MISSING, place, "one of the two signature lines is not there")
        return checkpoint, set(signed)

    def _heads(self, origin: str, keys: Sequence[VerifierKey]) -> list[Checkpoint]:
        """Checkpoints of this log that the reader kept."""
        mine = [note for note in self._held if note.startswith(origin.encode() + b"\n")]
        return [parse_checkpoint(open_signed(note, *keys)[0]) for note in mine]

    def _find(self, code: FindingCode, place: str, detail: str) -> None:
        self.report.findings.append(Finding(code=code, place=place, detail=detail))


class _Events:
    """Lines of `events.ndjson`, in order of index."""

    def __init__(self, path: Path) -> None:
        self._lines = iter(path.read_bytes().splitlines())
        self._next()

    def take(self, index: int) -> tuple[bytes, bytes] | None:
        """Salt and event of an index, None when there is none."""
        if self.left is None or self.left["index"] != index:
            return None
        found = _bytes(self.left["salt"]), str(self.left["event"]).encode()
        self._next()
        return found

    def _next(self) -> None:
        line = next(self._lines, None)
        self.left: dict[str, Any] | None = None if line is None else json.loads(line)


def _some_entries(folder: Path, first: int, count: int) -> Iterator[bytes]:
    if not folder.is_dir():
        return
    with (folder / "entries").open("rb") as file:
        file.seek(first * ENTRY_BYTES)
        for _ in range(count):
            if entry := file.read(ENTRY_BYTES):
                yield entry


def _bytes(text: str) -> bytes:
    """Lower-case hex, its only spelling."""
    value = bytes.fromhex(text)
    if value.hex() != text:
        raise ValueError("another spelling of the same bytes")
    return value


def _included(entry: bytes, proof: TlogProof, head: Checkpoint) -> None:
    verify_inclusion(entry_hash=leaf_hash(entry), index=proof.index, size=head.size, proof=proof.hashes, root=head.root)


def _commits_to(event: bytes, previous: Checkpoint) -> bool:
    body = json.loads(event).get("body", {})
    return bool(
        (body.get("origin"), body.get("size"), body.get("root"))
        == (previous.origin, previous.size, previous.root.hex())
    )

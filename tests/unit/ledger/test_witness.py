"""The witness: what tlog-witness asks of it, status for status; nothing is signed that is not kept first."""

import base64
import threading
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from quivive.ledger.checkpoint import Checkpoint
from quivive.ledger.merkle import EMPTY_ROOT, CompactRoot, leaf_hash
from quivive.ledger.note import open_signed
from quivive.ledger.proofs import complete_root, consistency_proof
from quivive.ledger.signing import sign_checkpoint, verifier_keys
from quivive.ledger.witness import Witness, load_key, load_logs
from quivive.model.errors import ConfigurationError

LOG = Ed25519PrivateKey.from_private_bytes(bytes(32))
THIEF = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"x")
OWN = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ORIGIN = "quivive.example/centre/spine"
AT = 1_795_000_000
LEAVES = [leaf_hash(bytes([n])) for n in range(64)]


def root(size, leaves=LEAVES):
    compact = CompactRoot()
    for leaf in leaves[:size]:
        compact.push(leaf)
    return compact.root()


def request(old, size, *, proof=None, origin=ORIGIN, signing=LOG, changed=None, leaves=LEAVES):
    def read(height, at):
        return complete_root(b"".join(leaves[at << height : (at + 1) << height]))

    if proof is None:
        proof = consistency_proof(old, size, read) if 0 < old <= size else []
    text = Checkpoint(origin=origin, size=size, root=changed or root(size, leaves)).text
    lines = "".join(base64.b64encode(each).decode() + "\n" for each in proof)
    return f"old {old}\n{lines}\n{sign_checkpoint(text, origin, signing)}".encode()


@pytest.fixture
def witness(tmp_path):
    return Witness(tmp_path / "w.db", "witness.example/acme", OWN, verifier_keys(ORIGIN, LOG), lambda: AT)


def test_a_growing_log_is_cosigned_and_served(witness):
    """Both cosignatures verify with the time; monitors read the log's lines and the witness's."""
    for old, size in ((0, 1), (1, 3), (3, 3), (3, 50)):
        answer = witness.add_checkpoint(request(old, size))
        assert answer.status == 200, answer
    text = Checkpoint(origin=ORIGIN, size=50, root=root(50)).text
    assert open_signed((text + "\n" + answer.body).encode(), *witness.keys) == (text, dict.fromkeys(witness.keys, AT))
    served = witness.checkpoint(sha256(ORIGIN.encode()).hexdigest())
    keys = (*verifier_keys(ORIGIN, LOG), *witness.keys)
    assert set(open_signed(served.body.encode(), *keys)[1]) == set(keys)
    assert witness.checkpoint(sha256(b"another").hexdigest()).status == 404


def test_submissions_of_the_reference_witness(witness):
    """The script of FiloSottile's litewitness in own words: signature, unknown log, proof, size, conflict."""
    assert witness.add_checkpoint(request(0, 1)).status == 200
    assert witness.add_checkpoint(request(1, 3, signing=THIEF)).status == 403
    assert witness.add_checkpoint(request(1, 3, origin=ORIGIN + "x")).status == 404
    assert witness.add_checkpoint(request(1, 3, proof=[])).status == 422
    true = consistency_proof(1, 3, lambda h, at: complete_root(b"".join(LEAVES[at << h : (at + 1) << h])))
    assert witness.add_checkpoint(request(1, 3, proof=[true[0], bytes(32)])).status == 422
    assert witness.add_checkpoint(request(1, 3)).status == 200
    conflict = witness.add_checkpoint(request(1, 5))
    assert (conflict.status, conflict.body, conflict.type) == (409, "3\n", "text/x.tlog.size")
    assert witness.add_checkpoint(request(3, 5)).status == 200
    assert witness.add_checkpoint(request(0, 5)).body == "5\n"


def test_malformed_submissions_are_bad_requests(witness):
    """Sizes, proof lines, base64, bytes, an old size beyond the checkpoint (fault 27)."""
    good = request(0, 3).decode()
    bodies = [
        b"",
        b"\xff\n\n",
        good.replace("old 0", "old 00", 1).encode(),
        good.replace("old 0", "old -1", 1).encode(),
        good.replace("old 0", "older 0", 1).encode(),
        good.replace("old 0\n", "old 0\nnot base64!\n", 1).encode(),
        good.replace("old 0\n", "old 0\nYQ==\n", 1).encode(),
        good.replace("old 0\n", "old 0\n" + (base64.b64encode(bytes(32)).decode() + "\n") * 64, 1).encode(),
        request(4, 3, proof=[]),
    ]
    assert [witness.add_checkpoint(body).status for body in bodies] == [400] * len(bodies)
    assert witness.add_checkpoint(request(0, 0, changed=bytes(32))).status == 422
    assert witness.add_checkpoint(request(0, 3, proof=[bytes(32)])).status == 422
    assert witness.add_checkpoint(request(0, 0, changed=EMPTY_ROOT)).status == 200


def test_a_split_view_is_refused_and_both_heads_are_kept(witness):
    """Two roots for one size: 422 and a portable proof, kept once; a larger tree without the last: 422 (fault 25)."""
    other = [leaf_hash(b"other"), *LEAVES[1:]]
    assert witness.add_checkpoint(request(0, 9)).status == 200
    for _ in range(2):
        assert witness.add_checkpoint(request(9, 9, leaves=other)).status == 422
    assert witness.add_checkpoint(request(9, 20, leaves=other)).status == 422
    kept = witness.conflicts()
    assert [(origin, at) for origin, at, _, _ in kept] == [(ORIGIN, AT)]
    for _, _, held, offered in kept:
        texts = [open_signed(note.encode(), *verifier_keys(ORIGIN, LOG))[0] for note in (held, offered)]
        assert texts[0] != texts[1]


def test_wrong_proofs_before_genuine_heads_leave_room_for_a_split_view(witness, monkeypatch):
    """Anybody may submit them: they are refused, not kept, and a real contradiction still is."""
    monkeypatch.setattr("quivive.ledger.witness.MAX_CONFLICTS", 1)
    assert witness.add_checkpoint(request(0, 9)).status == 200
    for size in range(10, 20):
        assert witness.add_checkpoint(request(9, size, proof=[bytes(32)])).status == 422
    assert witness.conflicts() == []
    other = [leaf_hash(b"other"), *LEAVES[1:]]
    assert witness.add_checkpoint(request(9, 9, leaves=other)).status == 422
    assert witness.add_checkpoint(request(3, 9, leaves=[leaf_hash(b"third"), *LEAVES[1:]])).status == 409
    ((_, _, held, offered),) = witness.conflicts()
    roots = {open_signed(note.encode(), *verifier_keys(ORIGIN, LOG))[0].split("\n")[2] for note in (held, offered)}
    assert roots == {base64.b64encode(root(9, leaves)).decode() for leaves in (LEAVES, other)}


def test_what_was_cosigned_survives_a_restart(witness, tmp_path):
    """The size is on disk before the answer: a new process refuses the same rollback (fault 22)."""
    witness.add_checkpoint(request(0, 40))
    again = Witness(tmp_path / "w.db", "witness.example/acme", OWN, verifier_keys(ORIGIN, LOG), lambda: AT)
    assert again.add_checkpoint(request(0, 30)).body == "40\n"
    assert again.add_checkpoint(request(30, 35)).status == 409


def test_nothing_is_signed_when_nothing_was_kept(witness, monkeypatch):
    """A failing commit gives no signature."""

    class Failing:
        def execute(self, text, *values):
            if text == "commit":
                raise OSError(28, "No space left on device")
            return witness_db.execute(text, *values)

    witness_db = witness._db
    monkeypatch.setattr(witness, "_db", Failing())
    with pytest.raises(OSError, match="No space"):
        witness.add_checkpoint(request(0, 5))
    monkeypatch.setattr(witness, "_db", witness_db)
    assert witness.add_checkpoint(request(0, 3)).status == 200


def test_racing_submissions_never_go_back(witness):
    """Many threads submit growing sizes at once: what is stored only grows (fault 28)."""
    witness.add_checkpoint(request(0, 1))
    statuses = []

    def submit(size):
        statuses.append((size, witness.add_checkpoint(request(1, size)).status))

    threads = [threading.Thread(target=submit, args=(size,)) for size in range(2, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = [size for size, status in statuses if status == 200]
    assert len(won) == 1
    assert witness.add_checkpoint(request(1, 1)).body == f"{won[0]}\n"


def test_keys_and_logs_are_read_strictly(tmp_path):
    """The key is made once and kept; a file that holds no log's key is refused."""
    assert load_key(tmp_path).private_bytes_raw() == load_key(tmp_path).private_bytes_raw()
    (tmp_path / "vkey").write_text("".join(key.text + "\n" for key in verifier_keys(ORIGIN, LOG)))
    assert load_logs([tmp_path / "vkey"]) == list(verifier_keys(ORIGIN, LOG))
    (tmp_path / "bad").write_text("x\n")
    with pytest.raises(ConfigurationError):
        load_logs([tmp_path / "bad"])

"""Witnesses and RFC 3161 authorities over real sockets: rollback, clone, split view, bad tokens (faults 21-33, 40)."""

import http.server
import shutil
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from quivive.anchor_settings import AuthoritySettings, TimestampsSettings, WitnessesSettings
from quivive.core.anchoring import Anchoring
from quivive.core.timestamping import TokenError, ask, keep
from quivive.core.witnessing import Outcome, WitnessClient, fetch
from quivive.ledger.log import Ledger
from quivive.ledger.note import open_signed, parse_verifier_key
from quivive.ledger.policy import parse_policy
from quivive.ledger.published import RollbackError
from quivive.ledger.slot import read_entry
from quivive.ledger.tile import decode_bundle
from quivive.ledger.verify import verify_home
from quivive.ledger.witness import Witness, WitnessServer, load_logs
from quivive.model.entry import EntryKind, SpoolEvent
from quivive.privacy.keyring import Keyring

pytestmark = pytest.mark.integration

NOW = 1_795_000_000_000_000
SECOND = 1_000_000
ORIGIN = "quivive.example/centre"
SLOTS = {"aurore": 1}
MAX_RSS_KB = 30 * 1024


def event(seq):
    return SpoolEvent(
        kind=EntryKind.ACCESS, source="s1", epoch=1, seq=seq, captured_at=NOW, controller="aurore", key_id="k1", body=b"{}"
    )  # fmt: skip


class Centre:
    """A home and the clock of its publications."""

    def __init__(self, path: Path) -> None:
        self.path, self.at, self.seq = path, NOW, 0
        if not (path / "keys").exists():
            Keyring.create(path, list(SLOTS))
        self.ledger = self.open()

    def open(self) -> Ledger:
        return Ledger.open(self.path, Keyring.open(self.path), SLOTS, ORIGIN)

    def work(self, count=10):
        self.at += 2 * SECOND
        self.ledger.append([event(self.seq + n) for n in range(1, count + 1)], self.at)
        self.seq += count
        self.ledger.publish(self.at)

    def reopen(self) -> Ledger:
        self.ledger.close()
        self.ledger = self.open()
        return self.ledger


@pytest.fixture
def centre(tmp_path):
    made = Centre(tmp_path / "home")
    made.work()
    yield made
    made.ledger.close()


@pytest.fixture
def served(tmp_path, centre):
    """A witness on a real socket: its server, and a client with a new memory each time."""
    logs = load_logs([centre.path / "spine/vkey", centre.path / "spine/vkey-mldsa44"])
    witness = Witness(
        tmp_path / "w.db", "witness.example/acme", Ed25519PrivateKey.generate(), logs, lambda: NOW // SECOND
    )
    with WitnessServer(("127.0.0.1", 0), witness) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        yield SimpleNamespace(witness=witness, url=url, client=lambda: WitnessClient("acme", witness.keys[0], url))
        server.shutdown()


def submit(client, centre):
    return client.submit(centre.ledger.spine, centre.ledger.publishing)


def look(client, centre):
    return client.look(centre.ledger.spine, centre.ledger.publishing)


def test_a_growing_spine_is_cosigned_and_kept(centre, served):
    """Each head under the witness's signature; a client without memory learns the size; the folder verifies."""
    client = served.client()
    for _ in range(3):
        centre.work(300)
        assert submit(client, centre) is Outcome.COSIGNED
    centre.work()
    assert submit(served.client(), centre) is Outcome.COSIGNED
    note = (centre.path / "spine/anchors/witness-acme").read_bytes()
    assert set(open_signed(note, *served.witness.keys)[1]) == set(served.witness.keys)
    assert fetch(f"{served.url}/add-checkpoint", b"old x\n\n")[0] == 400
    centre.ledger.close()
    report = verify_home(centre.path, policy=parse_policy(f"witness w {served.witness.keys[0].text}\nquorum w\n"))
    assert report.exit_code == 0
    stranger = Ed25519PrivateKey.generate()
    other = Witness(centre.path.parent / "o.db", "o.example", stranger, [], lambda: 0).keys[0]
    assert verify_home(centre.path, policy=parse_policy(f"witness w {other.text}\nquorum w\n")).exit_code == 20
    centre.ledger = centre.open()


def test_a_restored_backup_refuses_to_sign(centre, served):
    """Yesterday's folder, keys and heads.db included, starts against a witness of today: nothing is signed (23)."""
    centre.ledger.close()
    backup = centre.path.parent / "backup"
    shutil.copytree(centre.path, backup)
    centre.ledger = centre.open()
    centre.work()
    assert submit(served.client(), centre) is Outcome.COSIGNED
    centre.ledger.close()
    shutil.rmtree(centre.path)
    shutil.copytree(backup, centre.path)
    centre.ledger = centre.open()
    before = (centre.path / "spine/checkpoint").read_bytes()
    with pytest.raises(RollbackError, match="ahead"):
        look(served.client(), centre)
    with pytest.raises(RollbackError):
        centre.work()
    assert (centre.path / "spine/checkpoint").read_bytes() == before


def test_of_two_clones_the_second_refuses(centre, served):
    """Both sign on; the one the witness saw first goes on, the other stops at its next contact (40)."""
    centre.ledger.close()
    shutil.copytree(centre.path, centre.path.parent / "clone")
    centre.ledger = centre.open()
    clone = Centre(centre.path.parent / "clone")
    centre.work(5)
    clone.seq, clone.at = 100, NOW + SECOND
    clone.work(7)
    assert submit(served.client(), centre) is Outcome.COSIGNED
    with pytest.raises(RollbackError):
        submit(served.client(), clone)
    with pytest.raises(RollbackError):
        clone.work()
    centre.work()
    assert submit(served.client(), centre) is Outcome.COSIGNED
    clone.ledger.close()
    assert len(served.witness.conflicts()) >= 1, "the two heads of one size are a portable proof (25)"


@pytest.mark.parametrize("what", ["heads", "tiles"])
def test_a_folder_behind_its_own_anchors_does_not_start(centre, served, what):
    """heads.db alone (24), or the whole log without the anchors' folder (22), put back: refused at the start."""
    centre.ledger.close()
    kept = centre.path.parent / "kept"
    shutil.copytree(centre.path / "spine", kept)
    centre.ledger = centre.open()
    centre.work()
    submit(served.client(), centre)
    centre.ledger.close()
    if what == "heads":
        for name in ("heads.db", "heads.db-wal", "heads.db-shm"):
            (centre.path / "spine" / name).unlink(missing_ok=True)
            if (kept / name).exists():
                shutil.copy(kept / name, centre.path / "spine" / name)
    else:
        anchors = centre.path.parent / "anchors"
        shutil.copytree(centre.path / "spine/anchors", anchors)
        shutil.rmtree(centre.path / "spine")
        shutil.copytree(kept, centre.path / "spine")
        shutil.copytree(anchors, centre.path / "spine/anchors")
    with pytest.raises(RollbackError):
        centre.open()
    assert verify_home(centre.path).exit_code in (30, 40) if what == "tiles" else True
    shutil.rmtree(centre.path)
    Keyring.create(centre.path, list(SLOTS))
    centre.ledger = centre.open()


def test_a_silent_slow_or_lying_witness_changes_nothing(centre, served):
    """Nobody there, rubbish, a signature of another key: publication goes on, the answer is not kept (29)."""
    assert submit(WitnessClient("x", served.witness.keys[0], "http://127.0.0.1:9"), centre) is Outcome.UNREACHABLE
    cases = [
        (lambda _u, _b: (200, b"rubbish"), Outcome.GARBAGE),
        (lambda _u, _b: (200, "\u2014 other AAAAAAAA\n".encode()), Outcome.GARBAGE),
        (lambda _u, _b: (409, b"no number"), Outcome.GARBAGE),
        (lambda _u, _b: (409, b"999999999\n"), Outcome.AHEAD),
        (lambda _u, _b: (422, b""), Outcome.REFUSED),
        (lambda _u, _b: (500, b""), Outcome.REFUSED),
    ]
    for answer, outcome in cases:
        client = WitnessClient("x", served.witness.keys[0], "http://x.example", answer)
        assert submit(client, centre) is outcome
        centre.work()
    assert not (centre.path / "spine/anchors/witness-x").exists()


def test_the_command_serves_in_little_memory(tmp_path, centre):
    """`quivive witness` as a client company starts it: prints its key, cosigns, and stays below 30 MB."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable, "-m", "quivive", "--home", str(tmp_path / "w"), "witness", "--name", "witness.example/acme",
        "--log", str(centre.path / "spine/vkey"), "--listen", f"127.0.0.1:{port}",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            key = parse_verifier_key(process.stdout.readline().strip())
            client = WitnessClient("acme", key, f"http://127.0.0.1:{port}")
            for _ in range(50):
                outcome = submit(client, centre)
                if outcome is not Outcome.UNREACHABLE:
                    break
                time.sleep(0.1)
            assert outcome is Outcome.COSIGNED
            for _ in range(30):
                centre.work()
                assert submit(client, centre) is Outcome.COSIGNED
            status = Path(f"/proc/{process.pid}/status").read_text()
            rss = int(status.split("VmHWM:")[1].split()[0])
            print(f"witness: {rss} kB at most")
            assert rss < MAX_RSS_KB
        finally:
            process.terminate()


# --- time-stamps


TSA_CONF = """
[tsa]
default_tsa = t
[t]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """An `openssl ts` authority; `mode` makes it lie."""
    folder = tmp_path_factory.mktemp("tsa")
    (folder / "tsa.cnf").write_text(TSA_CONF.format(folder=folder))
    (folder / "serial").write_text("01\n")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "30",
            "-subj", "/CN=Fictitious root")  # fmt: skip
    (folder / "ext.cnf").write_text("extendedKeyUsage=critical,timeStamping\n")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "good.key", "-out", "good.csr",
            "-subj", "/CN=Fictitious authority")  # fmt: skip
    openssl("x509", "-req", "-in", "good.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", "good.pem", "-extfile", "ext.cnf", "-days", "10")  # fmt: skip
    make_expired(folder)
    state = SimpleNamespace(mode="good", last=b"", folder=folder, asked=0)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.asked += 1
            if state.mode == "down":
                self.send_error(503)
                return
            (folder / "q.tsq").write_bytes(body)
            signer = "expired" if state.mode == "expired" else "good"
            openssl("ts", "-reply", "-queryfile", "q.tsq", "-signer", f"{signer}.pem", "-inkey", f"{signer}.key",
                    "-out", "r.tsr", "-config", "tsa.cnf")  # fmt: skip
            answer = (folder / "r.tsr").read_bytes()
            if state.mode == "replay" and state.last:
                answer = state.last
            state.last = answer
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"nonsense" if state.mode == "garbage" else answer)

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/tsr"
    yield state
    server.shutdown()
    server.server_close()


def make_expired(folder):
    """A signer whose certificate was over in 2020; this openssl cannot make one."""
    root = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    root_key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    key = rsa.generate_private_key(65_537, 2048)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Fictitious authority of 2020")]))
        .issuer_name(root.subject)
        .public_key(key.public_key())
        .serial_number(77)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2020, 2, 1, tzinfo=UTC))
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "expired.pem").write_bytes(made.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "expired.key").write_bytes(private)


def named(authority, centre, name="one", url=None):
    shutil.copy(authority.folder / "ca.pem", centre.path / "roots.pem")
    return AuthoritySettings(name=name, url=url or authority.url, roots="roots.pem")


def test_a_token_is_checked_and_kept_for_openssl(centre, authority):
    """A good token verifies here, and afterwards with the Debian `openssl` alone from the files kept."""
    authority.mode = "good"
    note = centre.ledger.spine.log.note.encode()
    token = ask(named(authority, centre), centre.path, note, int(time.time()))
    name = keep(centre.path / "spine", note, token)
    folder = next((centre.path / "spine/timestamps").iterdir())
    done = subprocess.run(
        ["openssl", "ts", "-verify", "-data", f"{name}.note", "-in", f"{name}.tsr", "-CAfile", f"{name}.roots.pem"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Verification: OK" in done.stdout + done.stderr


@pytest.mark.parametrize("mode", ["replay", "garbage", "down", "future", "imprint"])
def test_a_token_that_proves_nothing_is_refused(centre, authority, mode):
    """Wrong nonce, no token, no answer, a clock far from ours, another note's imprint (33)."""
    note, now = centre.ledger.spine.log.note.encode(), int(time.time())
    authority.mode, authority.last = "good", b""
    settings = named(authority, centre)
    ask(settings, centre.path, note, now)
    if mode == "future":
        with pytest.raises(TokenError, match="clock"):
            ask(settings, centre.path, note, now - 4_000)
        return
    if mode == "imprint":
        stolen = authority.last
        with pytest.raises(TokenError):
            ask(settings, centre.path, b"another", now, get=lambda _u, _b: (200, stolen))
        return
    authority.mode = mode
    with pytest.raises(TokenError):
        ask(settings, centre.path, note, now)


def test_an_unknown_root_or_an_expired_certificate_is_refused(centre, authority):
    """A chain that ends elsewhere; a signer whose certificate was over when it signed (33)."""
    authority.mode = "good"
    settings, now = named(authority, centre), int(time.time())
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "o.key", "-out", "roots.pem", "-days", "2",
         "-subj", "/CN=Another root"],
        check=True, capture_output=True, cwd=centre.path,
    )  # fmt: skip
    with pytest.raises(TokenError):
        ask(settings, centre.path, b"note", now)
    authority.mode = "expired"
    with pytest.raises(TokenError):
        ask(named(authority, centre), centre.path, b"note", now)
    authority.mode = "good"
    assert ask(named(authority, centre), centre.path, b"note", now).authority == "one"


def test_anchoring_stamps_every_hour_and_at_the_days_close(centre, authority, served):
    """The next authority is asked when one fails; the token stands on the spine; a day's change stamps again."""
    authority.mode = "good"
    (centre.path / "policy").write_text(f"witness w {served.witness.keys[0].text} {served.url}\nquorum w\n")
    bad, good = named(authority, centre, "bad", "http://127.0.0.1:9/"), named(authority, centre)
    settings = SimpleNamespace(
        witnesses=WitnessesSettings(policy="policy", every_s=60, alarm_after_s=60),
        timestamps=TimestampsSettings(authorities=(bad, good)),
    )
    clock = [int(time.time()) * SECOND]
    anchoring = Anchoring(home=centre.path, settings=settings, ledger=centre.ledger, clock=lambda: clock[0])
    anchoring.look()
    anchoring.once()
    assert (anchoring.state.stamp_failures, list(anchoring.state.stamped_at)) == (1, ["one"])
    assert anchoring.state.witnesses == {"w": "cosigned"}
    asked = authority.asked
    anchoring.once()
    assert authority.asked == asked, "within the hour nobody is asked again"
    centre.at = clock[0]
    centre.work()
    size = centre.ledger.spine.log.signed_size
    kinds = [
        read_entry(data)["kind"]
        for data in decode_bundle((centre.path / f"spine/tile/entries/000.p/{size}").read_bytes(), size)
    ]
    assert "timestamp" in kinds
    anchoring._asked_at = clock[0] - 3_600 * SECOND
    anchoring.once()
    assert authority.asked == asked + 1
    anchoring._asked_at = (clock[0] // (86_400 * SECOND)) * 86_400 * SECOND - 1
    anchoring.once()
    assert authority.asked == asked + 2
    centre.reopen()
    centre.ledger.close()
    assert verify_home(centre.path).exit_code == 0
    centre.ledger = centre.open()

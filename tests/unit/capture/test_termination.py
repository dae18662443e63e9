"""Both exchanges of one connection, without sockets: order, refusals, and what may never pass."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quivive.capture.logins import LoginsFile, read_logins
from quivive.capture.termination import RefusalError, Termination
from quivive.wire.postgres import messages
from quivive.wire.postgres.scram import BOUND, NO_BINDING, ScramClient
from quivive.wire.postgres.scram_server import ScramServer, verifier_of

SALT = b"0123456789abcdef"
SERVER_ASKS = messages.frame(b"R", b"\x00\x00\x00\x0aSCRAM-SHA-256-PLUS\x00SCRAM-SHA-256\x00\x00")
OK = messages.frame(b"R", b"\x00\x00\x00\x00")
READY = messages.ready_for_query(0x49)


def made(tmp_path, text='[app]\npassword = "pencil"\n', front=b"", behind=b"", name="app"):
    """A termination whose nonces are counted."""
    file = LoginsFile(tmp_path, "db", "")
    file.current = read_logins(text, "logins", SALT)
    numbers = iter(range(100))
    return Termination(
        logins=file, name=name, mock=b"m", front=front, behind=behind, nonce=lambda: f"nonce{next(numbers)}"
    )


def initial(first: bytes, mechanism: bytes = b"SCRAM-SHA-256") -> bytes:
    return mechanism + b"\x00" + len(first).to_bytes(4, "big") + first


def client_proves(termination, *, front=b"", password="pencil"):
    """The client's exchange up to its proof; what the server is sent then."""
    client = ScramClient(password, "theirs", header=BOUND if front else NO_BINDING, binding=front)
    mechanism = b"SCRAM-SHA-256-PLUS" if front else b"SCRAM-SHA-256"
    answer = termination.from_client(initial(client.first(), mechanism)).to_client
    return client, termination.from_client(client.final(answer[9:])).to_server


def run(termination, *, front=b"", behind=b"", salt=SALT):
    """Everything, to the server's yes."""
    asked = termination.from_server(SERVER_ASKS).to_client
    client, sent = client_proves(termination, front=front)
    server = ScramServer(verifier_of("pencil", salt), "other", binding=behind)
    end = sent.index(b"\x00", 5)
    plus = sent[5:end] == b"SCRAM-SHA-256-PLUS"
    first = server.first(sent[end + 5 :], plus=plus)
    proof = termination.from_server(messages.frame(b"R", b"\x00\x00\x00\x0b" + first))
    assert proof.to_client == b""
    final = termination.from_server(messages.frame(b"R", b"\x00\x00\x00\x0c" + server.final(proof.to_server[5:])))
    assert final == (b"", b"")
    told = termination.from_server(OK).to_client
    client.verify(told[9 : told.rindex(OK)])
    assert told.endswith(OK)
    return asked, plus


def test_clear_on_both_legs(tmp_path):
    """No binding is offered where nothing can be bound."""
    asked, plus = run(made(tmp_path))
    assert (b"PLUS" in asked, plus) == (False, False)


def test_bound_on_both_legs(tmp_path):
    """Each leg to its own certificate."""
    termination = made(tmp_path, front=b"f" * 32, behind=b"b" * 48)
    asked, plus = run(termination, front=b"f" * 32, behind=b"b" * 48)
    assert (b"PLUS" in asked, plus, termination.done) == (True, True, True)


def test_nothing_but_greetings_before_the_proofs(tmp_path):
    """Version and notices pass; a server that goes on without having asked ends the session, a trusting one too."""
    version = messages.frame(b"v", b"\x00\x03\x00\x00\x00\x00\x00\x00")
    assert made(tmp_path).from_server(version).to_client == version
    for message in (READY, OK, messages.frame(b"R", b"\x00\x00\x00\x05salt"), messages.frame(b"R", b"")):
        with pytest.raises(RefusalError):
            made(tmp_path).from_server(message)


def test_the_server_cannot_skip_its_own_proof(tmp_path):
    """A yes in place of the server's signature is refused: it may not know the secret."""
    termination = made(tmp_path)
    termination.from_server(SERVER_ASKS)
    client_proves(termination)
    with pytest.raises(RefusalError):
        termination.from_server(OK)


def test_a_wrong_signature_of_the_server(tmp_path):
    """The client never hears yes."""
    termination = made(tmp_path)
    termination.from_server(SERVER_ASKS)
    _, sent = client_proves(termination)
    server = ScramServer(verifier_of("another", SALT), "other")
    first = server.first(sent[sent.index(b"n,,") :], plus=False)
    termination.from_server(messages.frame(b"R", b"\x00\x00\x00\x0b" + first))
    with pytest.raises(RefusalError, match="does not know"):
        termination.from_server(messages.frame(b"R", b"\x00\x00\x00\x0cv=AAAA"))


def test_a_wrong_proof_never_reaches_the_server(tmp_path):
    """28P01, and not a byte beyond."""
    for name, password in (("app", "pen"), ("nobody", "pencil")):
        termination = made(tmp_path, name=name)
        termination.from_server(SERVER_ASKS)
        with pytest.raises(RefusalError, match=f'failed for user "{name}"') as refused:
            client_proves(termination, password=password)
        assert refused.value.state == "28P01"


def test_a_stale_verifier_is_named(tmp_path):
    """What the client proved does not fit a server with another salt."""
    verifier = verifier_of("pencil", SALT)
    parts = [base64.b64encode(part).decode() for part in (verifier.salt, verifier.stored_key, verifier.server_key)]
    text = '[app]\nverifier = "SCRAM-SHA-256$4096:{}${}:{}"\n'.format(*parts)
    run(made(tmp_path, text))
    with pytest.raises(RefusalError, match="present one"):
        run(made(tmp_path, text), salt=b"fedcba9876543210")


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=80)), max_size=6), st.integers(0, 3))
def test_any_conversation(tmp_path_factory, spoken, step):
    """Whatever both say after any step: passed on, or refused."""
    termination = made(tmp_path_factory.getbasetemp())
    if step:
        termination.from_server(SERVER_ASKS)
    if step > 1:
        client_proves(termination)
    for server, data in spoken:
        try:
            if server:
                termination.from_server(messages.frame(b"R", data))
            else:
                termination.from_client(data)
        except RefusalError:
            return
        assert not termination.done

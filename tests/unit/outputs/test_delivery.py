"""Deliveries over real sockets: signed, once, kept until accepted, never to a private address by surprise."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

import pytest
from standardwebhooks import Webhook

from quivive.model.clock import DAY_US, HOUR_US, now_us
from quivive.outputs.outbox import BACK_OFF_US, GIVE_UP_US, Outbox
from quivive.outputs.webhook import DeliveryError, RefusedTargetError, deliver, headers, refuse_private

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # the example of the specification
NOW = 1_795_000_000_000_000


@pytest.fixture
def receiver():
    """An HTTP server that keeps what it got and answers as told."""
    got, answers = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((self.path, dict(self.headers), body))
            self.send_response(answers.pop(0) if answers else 204)
            self.send_header("location", "http://127.0.0.1:1/")
            self.end_headers()

        def log_message(self, *_):
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook?a=1", got, answers
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_reference_verifier_accepts_what_is_sent(receiver):
    """Standard Webhooks: id, time stamp and signature over the very bytes."""
    target, got, _ = receiver
    body = b'{"type":"alert.opened"}'
    deliver(target, body, headers(SECRET, "msg_1", body, now_us()), private_networks=["127.0.0.0/8"])
    ((path, sent, received),) = got
    assert path == "/hook?a=1"
    assert Webhook(SECRET).verify(received, {name.lower(): value for name, value in sent.items()}) == json.loads(body)


@pytest.mark.parametrize("status", [301, 400, 410, 500])
def test_only_a_2xx_is_an_acceptance_and_no_redirect_is_followed(receiver, status):
    """A redirect could lead anywhere."""
    target, got, answers = receiver
    answers.append(status)
    with pytest.raises(DeliveryError, match=str(status)):
        deliver(target, b"{}", headers(SECRET, "m", b"{}", NOW), private_networks=["127.0.0.1/32"])
    assert len(got) == 1


def test_a_private_target_is_refused_before_a_byte_is_sent(receiver):
    """By default neither loopback nor anything else that is not of the internet."""
    target, got, _ = receiver
    with pytest.raises(RefusedTargetError):
        deliver(target, b"{}", headers(SECRET, "m", b"{}", NOW), private_networks=[])
    assert got == []
    assert urlsplit(target).hostname == "127.0.0.1"


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "0.0.0.0", "224.0.0.1", "::1", "fe80::1%eth0",
     "fd00::1", "::ffff:10.0.0.1"],
)  # fmt: skip
def test_every_private_form_is_refused(address):
    """IPv4-mapped and scoped forms as well."""
    with pytest.raises(RefusedTargetError):
        refuse_private(address, ["172.16.0.0/12", "fd01::/16"])


def test_public_and_listed_addresses_pass():
    """What is listed is let through, and only that."""
    refuse_private("93.184.216.34", [])
    refuse_private("10.1.2.3", ["10.1.0.0/16"])


@pytest.fixture
def outbox(tmp_path):
    opened = Outbox(tmp_path / "outbox.db")
    yield opened
    opened.close()


def test_a_message_is_kept_once_and_survives_a_restart(outbox, tmp_path):
    """The same news again adds nothing, even after it was told."""
    assert outbox.put("soc", {"a": b"1", "b": b"2"}, {"x/202611": 3}, NOW) == 2
    outbox.accepted(outbox.due("soc", NOW, 10)[0])
    again = Outbox(tmp_path / "outbox.db")
    assert again.put("soc", {"a": b"1", "c": b"3"}, {"x/202611": 5}, NOW) == 1
    assert [message.key for message in again.due("soc", NOW, 10)] == ["b", "c"]
    assert again.marks("soc") == {"x/202611": 5}
    assert again.counts() == {("soc", "told"): 1, ("soc", "waiting"): 2}
    again.close()


def test_attempts_go_on_for_more_than_a_day_ever_more_rarely(outbox):
    """Then it is given up, and counted."""
    outbox.put("soc", {"a": b"1"}, {}, NOW)
    now, waits = NOW, []
    while due := outbox.due("soc", now, 1):
        given_up = outbox.failed(due[0], now)
        if given_up:
            break
        following = next(at for at in range(now, now + DAY_US, 5_000_000) if outbox.due("soc", at, 1))
        waits.append(following - now)
        now = following
    assert waits == sorted(waits)
    assert sum(waits) >= GIVE_UP_US >= 24 * HOUR_US
    assert waits[: len(BACK_OFF_US)] == list(BACK_OFF_US)
    assert outbox.counts() == {("soc", "given_up"): 1}


def test_a_socket_that_nobody_listens_on_is_a_failure_and_no_error():
    """Connection refused is tried again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(DeliveryError, match="no answer"):
        deliver(f"http://127.0.0.1:{port}/", b"{}", {}, private_networks=["127.0.0.0/8"])

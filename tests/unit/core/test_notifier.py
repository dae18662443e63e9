"""Claims of the notifier, against a real mail server on a socket: delivered is what it accepted, nothing else."""

import asyncio
import smtplib
import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

sys.path.insert(0, str(Path(__file__).parents[1] / "recordings"))

from desk_place import Place
from register_bodies import ANNE, BEN

from quivive.core.notifier import RETRY_US, Notifier
from quivive.model.entry import EntryKind
from quivive.model.errors import ConfigurationError
from quivive.model.recording_register import NoticeChannel, NoticeState
from quivive.notice_settings import NoticesSettings, SmtpSettings
from quivive.settings import ControllerSettings, OperatorSettings, Settings
from quivive.vault import Vault

ADDRESSES = {ANNE: "agent-1@centre.invalid", BEN: "agent-2@centre.invalid"}


class Box:
    """Keeps what it accepts; refuses some recipients."""

    def __init__(self):
        self.messages, self.refused = [], set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.messages.append((envelope.rcpt_tos, envelope.content.decode()))
        return "250 taken"


def free_port():
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def box():
    return Box()


@pytest.fixture
def server(box):
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=free_port(),
        authenticator=lambda *args: AuthResult(success=args[4].password == b"secret", handled=False),
        auth_require_tls=False,
    )
    controller.start()
    yield controller
    controller.stop()


@pytest.fixture
def place(tmp_path):
    place = Place(Vault.open(tmp_path / "vault.db"))
    asyncio.run(place.announce())
    yield place
    place.vault.close()


def notifier(place, tmp_path, server, **smtp):
    """A notifier over the desk of the tests."""
    controller = ControllerSettings.__new__(ControllerSettings)
    object.__setattr__(controller, "name", "Aurore Énergie")
    settings = Settings(
        home=tmp_path,
        operator=OperatorSettings(name="Relation Plus", origin="x.invalid/q", contact="dpo@centre.invalid"),
        controllers={"aurore": controller},
        notices=NoticesSettings(
            smtp=SmtpSettings(target=f"127.0.0.1:{server.port}", sender="notices@centre.invalid", tls="off", **smtp)
        ),
    )
    return Notifier(settings, place.desk, lambda person: ADDRESSES.get(person, ""))


def states(place, person):
    """States of the e-mail notices of one person."""
    return [each.state for each in place.register.notices(person) if each.channel is NoticeChannel.EMAIL]


def test_what_the_server_accepts_is_delivered_with_its_proof(place, tmp_path, server, box):
    """Both agents, once; the message holds periods, rights and no name."""
    assert asyncio.run(notifier(place, tmp_path, server).round()) == 2
    assert asyncio.run(notifier(place, tmp_path, server).round()) == 0
    assert sorted(to for tos, _ in box.messages for to in tos) == sorted(ADDRESSES.values())
    assert states(place, ANNE) == [NoticeState.DELIVERED]
    text = __import__("email").message_from_string(box.messages[0][1])
    words = text.get_payload(decode=True).decode()
    assert "Aurore Énergie" in words
    assert "lundi 19 octobre, de 09:00 à 12:00" in words
    assert "dpo@centre.invalid" in words
    assert "formation" in text["Subject"] or "=?utf-8?" in text["Subject"]
    proofs = {body.proof for kind, _, body in place.entries if kind is EntryKind.RECORDING_NOTICE and body.proof}
    assert len(proofs) == 2
    assert not any(address in repr(place.entries) for address in ADDRESSES.values())


def test_a_refused_mailbox_is_no_delivery_and_is_tried_again(place, tmp_path, server, box):
    """Failed, then left for an hour, then delivered when the mailbox exists."""
    box.refused.add(ADDRESSES[ANNE])
    told = notifier(place, tmp_path, server)
    assert asyncio.run(told.round()) == 1
    assert asyncio.run(told.round()) == 0
    assert states(place, ANNE) == [NoticeState.FAILED]
    box.refused.clear()
    place.now += RETRY_US
    assert asyncio.run(told.round()) == 1
    assert set(states(place, ANNE)) == {NoticeState.FAILED, NoticeState.DELIVERED}


def test_a_server_that_is_away_leaves_everything_due(place, tmp_path, box):
    """Nothing is written of what nobody answered."""
    away = type("Away", (), {"port": free_port()})
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(notifier(place, tmp_path, away).round())
    assert states(place, ANNE) == []


def test_the_password_comes_by_file(place, tmp_path, server, box):
    """The right one sends, a wrong one or a missing file does not."""
    (tmp_path / "secret").write_text("secret\n")
    (tmp_path / "wrong").write_text("guess")
    with pytest.raises(smtplib.SMTPAuthenticationError):
        asyncio.run(notifier(place, tmp_path, server, user="quivive", password_file="wrong").round())
    with pytest.raises(ConfigurationError, match="password_file"):
        asyncio.run(notifier(place, tmp_path, server, user="quivive", password_file="absent").round())
    assert asyncio.run(notifier(place, tmp_path, server, user="quivive", password_file="secret").round()) == 2


def test_who_has_no_address_or_read_it_already_gets_no_mail(place, tmp_path, server, box):
    """Many agents have no e-mail; proof by another channel is enough."""
    asyncio.run(place.desk.acknowledge(ANNE, "formation-aurore", 1))
    told = notifier(place, tmp_path, server)
    told._address = lambda person: ADDRESSES[person] if person == ANNE else ""
    assert asyncio.run(told.round()) == 0
    assert box.messages == []


def test_without_a_server_only_the_own_page_is_told(place, tmp_path, server):
    """`[notices.smtp]` empty: no mail, the rest goes on."""
    told = notifier(place, tmp_path, server)
    bare = Notifier(replace(told._settings, notices=NoticesSettings()), place.desk, lambda person: "")
    assert asyncio.run(bare.round()) == 0

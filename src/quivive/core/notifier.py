"""Tells agents of announced campaigns, and ends analysis documents on their clock: once a minute, while the core runs.

Started by `core.main`. The own page is told first, then e-mail where `[notices.smtp]` names a server. A server's
acceptance is the proof kept (its hash); a refusal is kept too, and tried again. Must never write an address or a name
anywhere, and never take a message for delivered that the server did not accept.
"""

import asyncio
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Final

import structlog

from quivive.model.clock import HOUR_US, SECOND_US
from quivive.model.errors import ConfigurationError, StorageError
from quivive.model.recording_register import CampaignBody, NoticeBody, NoticeChannel, NoticeState
from quivive.notice_settings import SmtpSettings
from quivive.recordings.desk import Desk
from quivive.recordings.notices import due, notice_of, proof_of
from quivive.settings import SETTINGS_FILE, Settings
from quivive.web.i18n import Texts, load_texts
from quivive.web.notice_texts import mail_body, mail_subject

EVERY_S: Final = 60.0
MAX_MAILS_A_ROUND: Final = 200
"""Messages of one round: a mail server takes a few a second, and a round must end before the next."""
MAX_TRIES: Final = 5
RETRY_US: Final = HOUR_US
TIMEOUT_S: Final = 20.0
log = structlog.get_logger("quivive.core")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a mail server said of one message."""

    accepted: bool
    proof: str


class MailServer:
    """One mail server as configured. Connects per round; every call blocks (a worker thread makes it)."""

    def __init__(self, smtp: SmtpSettings, home: Path) -> None:
        self._smtp, self._home = smtp, home

    def send(self, messages: list[tuple[str, EmailMessage]]) -> list[Sent]:
        """Send (address, message) pairs over one connection; one answer each, in order.

        Raises:
            OSError, smtplib.SMTPException: the server cannot be reached or refuses the whole conversation; nothing
            more was sent, and what has no answer is due again.
        """
        found: list[Sent] = []
        with self._connect() as server:
            for address, message in messages:
                try:
                    server.send_message(message, self._smtp.sender, [address])
                    found.append(Sent(accepted=True, proof=proof_of(str(message["Message-ID"]), "accepted")))
                except smtplib.SMTPRecipientsRefused as error:
                    code = next(iter(error.recipients.values()))[0]
                    found.append(Sent(accepted=False, proof=proof_of(str(message["Message-ID"]), str(code))))
        return found

    def _connect(self) -> smtplib.SMTP:
        host, _, port = self._smtp.target.rpartition(":")
        if self._smtp.tls == "implicit":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, int(port), timeout=TIMEOUT_S, context=self._context())
        else:
            server = smtplib.SMTP(host, int(port), timeout=TIMEOUT_S)
        try:
            if self._smtp.tls == "starttls":
                server.starttls(context=self._context())
            if self._smtp.user:
                server.login(self._smtp.user, self._password())
        except (OSError, smtplib.SMTPException):
            server.close()
            raise
        return server

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self._home / self._smtp.ca) if self._smtp.ca else None)

    def _password(self) -> str:
        try:
            return (self._home / self._smtp.password_file).read_text(encoding="utf-8").strip()
        except OSError:
            raise ConfigurationError(
                file=SETTINGS_FILE, key="notices.smtp.password_file", expected="a readable file", found="none"
            ) from None


class Notifier:
    """`address` gives the e-mail of a PersonKey from the vault, "" when there is none."""

    def __init__(self, settings: Settings, desk: Desk, address: Callable[[str], str]) -> None:
        self._settings, self._desk, self._address = settings, desk, address
        smtp = settings.notices.smtp
        self._server = MailServer(smtp, settings.home) if smtp.target else None
        self._texts: Texts = load_texts(settings.operator.timezone)[settings.operator.language]

    async def run(self) -> None:
        """Round after round; a failure is logged and the next round tries again."""
        while True:
            try:
                await self.round()
            except (OSError, smtplib.SMTPException, StorageError, ConfigurationError) as error:
                log.warning("core.notices_failed", error=type(error).__name__)
            await asyncio.sleep(EVERY_S)

    async def round(self) -> int:
        """Tell what is due; returns how many e-mails the server took."""
        await self._desk.tell(NoticeChannel.CONSOLE)
        await self._desk.analysis.erase_due()
        return 0 if self._server is None else await self._mail(self._server)

    async def _mail(self, server: MailServer) -> int:
        found = self._due()
        if not found:
            return 0
        messages = [(address, self._message(body)) for body, _, address in found]
        answers = await asyncio.to_thread(server.send, messages)
        now = self._desk.clock()
        for (body, person, _), sent in zip(found, answers, strict=True):
            state = NoticeState.DELIVERED if sent.accepted else NoticeState.FAILED
            await self._desk.notice(
                notice_of(body, person, NoticeChannel.EMAIL, state, at=now, principal="core", proof=sent.proof)
            )
        log.info("core.notices_mailed", accepted=sum(sent.accepted for sent in answers), asked=len(answers))
        return sum(sent.accepted for sent in answers)

    def _due(self) -> list[tuple[CampaignBody, str, str]]:
        register, now = self._desk.register, self._desk.clock()
        notices = [each for each in register.notices() if not self._again(each, register.notices(each.person), now)]
        found = []
        for body, person in due(register.in_force(), register.people(), notices, NoticeChannel.EMAIL, now):
            if address := self._address(person):
                found.append((body, person, address))
            if len(found) == MAX_MAILS_A_ROUND:
                break
        return found

    @staticmethod
    def _again(notice: NoticeBody, of_person: list[NoticeBody], now: int) -> bool:
        """A failed e-mail is left out of what was told when its turn has come again."""
        if notice.channel is not NoticeChannel.EMAIL or notice.state is not NoticeState.FAILED:
            return False
        tries = [each.at for each in of_person if (each.notice, each.state) == (notice.notice, NoticeState.FAILED)]
        return len(tries) < MAX_TRIES and max(tries) + RETRY_US <= now

    def _message(self, body: CampaignBody) -> EmailMessage:
        """One message; it names nobody, so all who get it read the same."""
        operator = self._settings.operator
        controller = self._settings.controllers[body.controller].name
        message = EmailMessage(policy=SMTP)
        message["From"] = self._settings.notices.smtp.sender
        message["Subject"] = mail_subject(self._texts, body)
        message["Date"] = format_datetime(datetime.fromtimestamp(self._desk.clock() // SECOND_US, tz=UTC))
        message["Message-ID"] = make_msgid(domain=self._settings.notices.smtp.sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(
            mail_body(
                self._texts,
                body,
                controller=controller,
                operator=operator.name,
                contact=operator.contact,
                console=f"{operator.console_url}/my-space",
            )
        )
        return message

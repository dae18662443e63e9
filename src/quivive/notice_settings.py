"""`[notices]`: how agents are told of recordings beside the console. Checked while `settings` decodes.

Must never hold a secret: the password of the mail server comes by file.
"""

import re
from typing import Final, Literal

import msgspec

from quivive.model.errors import ConfigurationError

_ADDRESS: Final = re.compile(r"[^\s@<>\"]+@[^\s@<>\"]+")
_TARGET: Final = re.compile(r"[^\s:]+:\d{1,5}")


class SmtpSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[notices.smtp]`: the mail server; without a target no e-mail is sent."""

    target: str = ""
    sender: str = ""
    tls: Literal["off", "starttls", "implicit"] = "starttls"
    ca: str = ""
    user: str = ""
    password_file: str = ""


class NoticesSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[notices]`."""

    smtp: SmtpSettings = SmtpSettings()


def check_notices(notices: NoticesSettings, shown: str) -> None:
    """Refuse half a mail server.

    Raises:
        ConfigurationError: no host and port, no sender, or a user without the file of the password.
    """
    smtp = notices.smtp
    if not smtp.target:
        return
    for key, found, pattern, expected in (
        ("target", smtp.target, _TARGET, "host:port of the mail server"),
        ("sender", smtp.sender, _ADDRESS, "an e-mail address"),
    ):
        if not pattern.fullmatch(found):
            raise ConfigurationError(file=shown, key=f"notices.smtp.{key}", expected=expected, found=found or "nothing")
    if bool(smtp.user) != bool(smtp.password_file):
        raise ConfigurationError(
            file=shown,
            key="notices.smtp.password_file",
            expected="user and password_file together, or neither",
            found="one of them",
        )

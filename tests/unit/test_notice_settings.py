"""Claims of `[notices]`: half a mail server is refused with its key; no password stands in the file."""

import pytest

from quivive.model.errors import ConfigurationError
from quivive.notice_settings import NoticesSettings, SmtpSettings, check_notices

WHOLE = {"target": "mail.example:587", "sender": "notices@operator.example"}


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"target": "mail.example"}, "target"),
        ({"target": "mail.example:587"}, "sender"),
        (WHOLE | {"sender": "nobody"}, "sender"),
        (WHOLE | {"user": "quivive"}, "password_file"),
        (WHOLE | {"password_file": "/etc/quivive/mail"}, "password_file"),
    ],
)
def test_half_a_mail_server_is_refused(fields, key):
    """File, key, expected, found."""
    with pytest.raises(ConfigurationError) as caught:
        check_notices(NoticesSettings(smtp=SmtpSettings(**fields)), "quivive.toml")
    assert caught.value.key == f"notices.smtp.{key}"


def test_none_and_a_whole_one_are_accepted():
    """Without a target no e-mail is sent; TLS is the default."""
    check_notices(NoticesSettings(), "quivive.toml")
    check_notices(NoticesSettings(smtp=SmtpSettings(**WHOLE, user="q", password_file="f")), "quivive.toml")
    assert SmtpSettings().tls == "starttls"
    assert "password" not in SmtpSettings.__struct_fields__

"""`quivive init`: a data folder with a commented configuration.

Called by the command. Must never overwrite anything.
"""

from pathlib import Path
from typing import Final

from quivive.model.errors import ConfigurationError
from quivive.settings import CONTROLLERS_FOLDER, SETTINGS_FILE

_MAIN: Final = """\
# Quivive: infrastructure lives here, governance (roles, purposes, notices, gate) only in entries.
# Every field: docs/configuration.md. Secrets never stand in this file.

[operator]
name = {operator}
origin = {origin}            # prefix of the logs' names; never changes
language = {language}
web_listen = "127.0.0.1:8443"    # loopback: use an SSH tunnel, or put a TLS proxy in front and name it:
# public_url = "https://quivive.example.fr"   # the proxy hands on the Host header

# One source per proxied database. Change one line in the application: its host and port.
# [sources.shop-db]
# kind = "postgres"
# controller = "shop"
# namespace = "crm"                # whose logins `quivive.agent` carries
# listen = "127.0.0.1:6432"
# target = "db.internal:5432"
# side_dsn = "postgresql://quivive_side@db.internal/shop"   # a role with CONNECT and USAGE only

# [sources.telephony]
# kind = "contacts"                # POST /v1/contacts with a token of this source
# namespace = "telephony"

# [sources.people]
# kind = "directory"
"""
_CONTROLLER: Final = """\
# Example of a controller: copy to <id>.toml (the file name is the id), then edit.
# `quivive source map NAME` proposes the tables from keys and names.

name = "Shop"
slot = 1                           # 1 to 1023, one per controller, never reused
contact_sources = ["telephony"]

[[tables]]
name = "public.customer"
kind = "person"
key = ["id"]
alternates = [{ column = "phone", kind = "phone" }]
"""


def initialise(home: Path, *, operator: str, origin: str, language: str) -> None:
    """Write `quivive.toml` and an example controller.

    Raises:
        ConfigurationError: a configuration is already there.
    """
    main = home / SETTINGS_FILE
    if main.exists():
        raise ConfigurationError(file=str(main), key="(file)", expected="no file yet", found="a configuration")
    (home / CONTROLLERS_FOLDER).mkdir(parents=True, exist_ok=True)
    text = _MAIN.format(operator=_quoted(operator), origin=_quoted(origin), language=_quoted(language))
    main.write_text(text, encoding="utf-8")
    (home / CONTROLLERS_FOLDER / "example.toml.sample").write_text(_CONTROLLER, encoding="utf-8")


def _quoted(text: str) -> str:
    """Write a TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

"""Which agent a channel, an interface or a member name stands for.

Used by the Asterisk translators. Pure. Must never take a trunk for a person: what the pattern does not recognise
is nobody.
"""

import re
from functools import cache
from typing import Final

from quivive.model.errors import ConfigurationError

AGENT_PATTERN: Final = (
    r"(?:PJSIP|SIP|IAX2|SCCP|Agent|Local|DAHDI)/(?P<login>\d{2,6})(?:@[^;/]*)?(?:/n)?(?:-[0-9a-f]{1,8})?(?:;[12])?"
)
"""Shipped pattern: the endpoint is the extension, of two to six digits (`PJSIP/4105-0000001a`, `Agent/4105`)."""


class Endpoints:
    """Maps channels and interfaces to logins by one regular expression with the group `login`."""

    def __init__(self, pattern: str = "") -> None:
        self._pattern = _compiled(pattern or AGENT_PATTERN)

    def login(self, channel: str) -> str:
        """Return the login behind a channel or interface, "" when it is no agent's."""
        found = self._pattern.fullmatch(channel.strip())
        return (found["login"] or "") if found else ""


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise _wrong("a regular expression", f"one that does not compile: {error.msg}") from None
    if "login" not in compiled.groupindex:
        raise _wrong("a regular expression with the group (?P<login>…)", "no such group")
    return compiled


def _wrong(expected: str, found: str) -> ConfigurationError:
    return ConfigurationError(file="quivive.toml", key="agents", expected=expected, found=found)

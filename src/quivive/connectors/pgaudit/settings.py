"""Reads the YAML of a pgAudit log (docs/access-logs.md) and joins it with the source's own attribution settings.

Called by the registry of the connectors, for `pgaudit-csvlog`, `pgaudit-jsonlog` and for a mapping whose
`translator` is `pgaudit`.
"""

from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from quivive.capture.attribution import AttributionSettings
from quivive.connectors.mapping.leaf import Place
from quivive.connectors.pgaudit.server_log import LogFormat
from quivive.connectors.pgaudit.stderr_log import log_reader
from quivive.connectors.pgaudit.translator import PgauditSettings
from quivive.settings import SourceSettings

_TOP: Final = frozenset({"translator", "title", "grade", "lateness", "log"})
_LOG: Final = frozenset({"format", "prefix", "timezone", "databases", "search_path", "comments"})
COMMENTS: Final = ("sent", "always", "never")


def pgaudit_settings(
    document: dict[str, Any], file: str, *, source: SourceSettings | None, timezone: str, region: str
) -> PgauditSettings:
    """Check the document.

    Raises:
        ConfigurationError: an unknown key, a wrong type, a prefix that cannot tell who did what.
    """
    place = Place(file=file, key="", renamed={})
    place.known(document, _TOP)
    at = place.at("log")
    raw = at.mapping(document.get("log"))
    at.known(raw, _LOG)
    form = at.at("format").choice(raw.get("format"), LogFormat)
    zone = zone_of(raw.get("timezone", timezone), at.at("timezone"))
    prefix = at.at("prefix").text(raw.get("prefix")) if form is LogFormat.STDERR else ""
    log_reader(form, zone=zone, prefix=prefix)  # a wrong prefix is told now
    comments = raw.get("comments", "sent")
    if comments not in COMMENTS:
        raise at.at("comments").wrong("one of " + ", ".join(COMMENTS), "another text")
    return PgauditSettings(
        format=form,
        attribution=_attribution(source),
        zone=zone,
        prefix=prefix,
        databases=frozenset(at.at("databases").texts(raw.get("databases", []))),
        search_path=tuple(at.at("search_path").texts(raw.get("search_path", []))),
        comments=comments,
        region=region,
    )


def zone_of(raw: Any, place: Place) -> ZoneInfo:
    """A time zone.

    Raises:
        ConfigurationError: there is none of this name.
    """
    name = place.text(raw)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise place.wrong("a time zone, for example Europe/Paris", name) from None


def _attribution(source: SourceSettings | None) -> AttributionSettings:
    if source is None:
        return AttributionSettings(namespace="")
    return AttributionSettings(
        namespace=source.namespace,
        agent_variable=source.agent_variable,
        contact_variable=source.contact_variable,
        application_name_is_agent=source.application_name_is_agent,
        account_is_agent=source.account_is_agent,
        comment_agent_key=source.comment_agent_key,
        comment_contact_key=source.comment_contact_key,
        service_accounts=source.service_accounts,
    )

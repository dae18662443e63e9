"""CEF inside syslog (RFC 5424), framed by octet counting (RFC 6587).

Pure. Must never let a value break out of its field: pipes, equal signs, line ends and brackets are escaped.
"""

from typing import Final

from quivive.model.clock import Micros, to_rfc3339
from quivive.outputs.news import News, ToldAccess

FACILITY: Final = 13  # log audit
_SYSLOG_SEVERITY: Final = {"low": 5, "medium": 4, "high": 3}
_CEF_SEVERITY: Final = {"low": 3, "medium": 5, "high": 8}
_INFORMATIONAL: Final = 6
_LOWEST: Final = 1
_APP: Final = "quivive"


def cef_of_news(news: News, version: str) -> str:
    """An alert or incident."""
    extension = {
        "cs1": news.controller,
        "cs1Label": "controller",
        "cs2": news.state,
        "cs2Label": "state",
        "externalId": news.id,
        "rt": str(news.at // 1_000),
    }
    return _cef(version, str(news.kind), news.topic, _CEF_SEVERITY.get(news.severity, _LOWEST), extension)


def cef_of_access(access: ToldAccess, version: str) -> str:
    """One finished access; `cnt` is the number of records."""
    extension = {
        "act": access.action.value,
        "cnt": str(access.records),
        "cs1": access.controller,
        "cs1Label": "controller",
        "cs2": ", ".join(access.tables),
        "cs2Label": "tables",
        "cs3": access.coverage,
        "cs3Label": "coverage",
        "dvchost": access.source,
        "externalId": access.id,
        "outcome": access.outcome,
        "rt": str(access.at // 1_000),
        "sourceServiceName": access.program or "unknown",
    }
    return _cef(version, "access", f"Access {access.action.value}", _LOWEST, extension)


def syslog_frame(text: str, *, at: int, severity: str, host: str, kind: str) -> bytes:
    """One RFC 5424 message with its length in front."""
    priority = FACILITY * 8 + _SYSLOG_SEVERITY.get(severity, _INFORMATIONAL)
    message = f"<{priority}>1 {to_rfc3339(Micros(at))} {_name(host)} {_APP} - {_name(kind)} - {text}".encode()
    return str(len(message)).encode() + b" " + message


def _cef(version: str, event: str, name: str, severity: int, extension: dict[str, str]) -> str:
    header = "|".join(map(_header, ("Quivive", "Quivive", version, event, name, str(severity))))
    return f"CEF:0|{header}|" + " ".join(f"{key}={_value(value)}" for key, value in extension.items())


def _header(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\r", " ").replace("\n", " ")


def _value(text: str) -> str:
    return text.replace("\\", "\\\\").replace("=", "\\=").replace("\r", "").replace("\n", "\\n")


def _name(text: str) -> str:
    """A syslog header field: printable ASCII without spaces."""
    return "".join(sign if "!" <= sign <= "~" else "-" for sign in text)[:48] or "-"

"""Which mode of TLS and authentication applies to a relayed database (docs/modes.md), and what to change.

Called by `database` with what a probe heard. Reads our own certificate and how many logins there are. Must never show a
login or a secret, nor prove itself to anybody.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from quivive.capture.logins import LoginsFile
from quivive.doctor.finding import Finding, Level
from quivive.doctor.probe import Probed
from quivive.model.errors import ConfigurationError
from quivive.settings import SourceSettings

_UNSUPPORTED: Final = {"gss": "Kerberos", "sspi": "SSPI"}
_TOKEN_HOSTS: Final = (
    ".rds.amazonaws.com",
    ".postgres.database.azure.com",
    ".postgres.database.cloudapi.de",
    ".alloydb.goog",
    ".sql.goog",
)
"""Where people may log in with tokens of the cloud's own directory."""


def authentication(home: Path, name: str, source: SourceSettings, behind: Probed) -> Iterator[Finding]:
    """Every finding about one source; the first says which mode applies."""
    ended = source.authentication == "terminate"
    refused = _refused(name, behind)
    if refused is not None:
        yield refused
    else:
        yield _ended(home, name, source, behind) if ended else _relayed(home, name, source, behind)
    if source.target.rpartition(":")[0].endswith(_TOKEN_HOSTS):
        yield Finding(
            check="authentication",
            level=Level.NOTE,
            about=name,
            found="a managed database: people may log in with IAM tokens",
            expected="logins with SCRAM passwords behind the relay",
            advice="Tokens are not supported here: give applications a password, and read pgAudit's log for people.",
        )


def _refused(name: str, behind: Probed) -> Finding | None:
    """What no relay can pass on, whoever it belongs to: the proof is tied to the other end of the wire."""
    if behind.method in _UNSUPPORTED:
        return Finding(
            check="authentication",
            level=Level.FAIL,
            about=name,
            found=f"the server asks for {_UNSUPPORTED[behind.method]}",
            expected="a password method: SCRAM, md5 or password",
            advice="It cannot pass a relay, nor can client certificates: use pgAudit's log or the access API.",
        )
    if behind.certificate_wanted:
        return Finding(
            check="authentication",
            level=Level.FAIL,
            about=name,
            found="the server asks for client certificates",
            expected="a password method: SCRAM, md5 or password",
            advice="Give the applications SCRAM passwords; people with certificates are seen by pgAudit's log.",
        )
    return None


def _ended(home: Path, name: str, source: SourceSettings, behind: Probed) -> Finding:
    """Mode c: the relay authenticates its clients, and itself to the server."""
    file = LoginsFile(home, name, source.secret_file)
    try:
        file.load()
    except ConfigurationError:
        return Finding(
            check="authentication",
            level=Level.FAIL,
            about=name,
            found="authentication ends in the relay, and its logins cannot be read",
            expected="one table for each login, in a file readable by its owner alone",
            advice="Correct secret_file, or the environment of the relay; see docs/modes.md.",
        )
    if behind.method not in {"scram", ""}:
        return Finding(
            check="authentication",
            level=Level.WARN,
            about=name,
            found=f"authentication ends in the relay, and the server may ask for another method: {behind.method}",
            expected="scram-sha-256 in pg_hba.conf for all who come from the relay",
            advice="The relay proves itself by SCRAM alone; other logins are refused.",
        )
    lent = sum(login.lends for login in file.current.values())
    if lent < len(file.current):
        return Finding(
            check="authentication",
            level=Level.NOTE,
            about=name,
            found=f"authentication ends in the relay; of its logins it holds what opens the database for"
            f" {len(file.current) - lent}",
            expected="verifiers alone, which open nothing",
            advice="Where clients use the server's own password, the server's verifier suffices.",
        )
    if not source.tls_certificate:
        return Finding(
            check="authentication",
            level=Level.NOTE,
            about=name,
            found="authentication ends in the relay, clear in front",
            expected="clients that speak TLS, or authentication that is relayed",
            advice='Every client could authenticate through the relay: authentication = "relay" needs no secret.',
        )
    return Finding(
        check="authentication",
        level=Level.OK,
        about=name,
        found="authentication ends in the relay, which holds verifiers alone: clients bind to its certificate",
    )


def _relayed(home: Path, name: str, source: SourceSettings, behind: Probed) -> Finding:
    """Modes a and b: nothing but bytes passes."""
    if source.target_tls == "off" and behind.tls and not source.target.startswith("unix:"):
        return Finding(
            check="authentication",
            level=Level.WARN,
            about=name,
            found="the server offers TLS, the relay does not use it",
            expected='target_tls = "verify"',
            advice="Set target_tls and target_ca, unless both run on one machine.",
        )
    if not source.tls_certificate:
        return Finding(
            check="authentication",
            level=Level.NOTE,
            about=name,
            found="clear in front, TLS behind" if source.target_tls != "off" else "clear on both legs",
            expected="loopback or a private network in front of the relay",
            advice="Every client works. Set tls_certificate when applications reach it over a network.",
        )
    same = bool(behind.certificate) and behind.certificate == _fingerprint(home / source.tls_certificate)
    if source.target_tls != "off" and not same:
        return Finding(
            check="authentication",
            level=Level.WARN,
            about=name,
            found="TLS on both legs with two certificates",
            expected="the server's own certificate in front as well",
            advice='Use one certificate on both, or authentication = "terminate"; else channel_binding=disable'
            " in the clients.",
        )
    if not same:
        return Finding(
            check="authentication",
            level=Level.OK,
            about=name,
            found="TLS in front, clear behind",
            advice='Clients that insist on channel binding need authentication = "terminate".',
        )
    return Finding(
        check="authentication",
        level=Level.OK,
        about=name,
        found="TLS on both legs with one certificate: channel binding passes",
    )


def _fingerprint(path: Path) -> str:
    try:
        shown = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return ""
    return hashlib.sha256(shown.public_bytes(Encoding.DER)).hexdigest()

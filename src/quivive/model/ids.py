"""Identifiers. 16-byte keys travel as 32 lower-case hexadecimal digits in entries (ADR 0001).

Used everywhere. Must never hold a clear value: a key here is always a keyed pseudonym
made by `quivive.privacy.pseudonym`.
"""

import re
from typing import Final, NewType

ControllerId = NewType("ControllerId", str)
"""Short name of a controller in files and folders: `aurore`. See CONTROLLER_ID_PATTERN."""
SourceName = NewType("SourceName", str)
"""Name of a source in `quivive.toml`, also its spool folder: `aurore-db`."""
EntryId = NewType("EntryId", str)
"""`<source>/<epoch>/<seq>`: unique by construction (exactly once per source, epoch, seq)."""

RecordKey = NewType("RecordKey", str)
"""Pseudonym of one row: HMAC over table and canonical primary key. 32 hex digits."""
AlternateKey = NewType("AlternateKey", str)
"""Pseudonym of a phone, e-mail, customer number… of a controller's subject. 32 hex digits."""
AgentKey = NewType("AgentKey", str)
"""Pseudonym of a login: HMAC over controller, namespace and login. 32 hex digits."""
PersonKey = NewType("PersonKey", str)
"""Pseudonym of an agent as a person of the operator's directory. 32 hex digits."""
ContactKey = NewType("ContactKey", str)
"""Pseudonym of a contact's native id within its controller. 32 hex digits."""

OPERATOR: Final = ControllerId("operator")
"""The operator's own log: directory, gate, configuration, acts of the console. Never a company's id."""

CONTROLLER_ID_PATTERN: Final = re.compile(r"[a-z][a-z0-9-]{1,31}")
SOURCE_NAME_PATTERN: Final = re.compile(r"[a-z][a-z0-9-]{1,47}")
KEY_PATTERN: Final = re.compile(r"[0-9a-f]{32}")
WORKER_PATTERN: Final = re.compile(r"-w[0-9]+\Z")
"""End of the spool's name of a relay's second and later workers; no source may be named so."""


def worker_name(source: str, worker: int) -> str:
    """Spool of one worker of a relay: the source's own name for the first, `NAME-w2` for the second."""
    return source if worker == 1 else f"{source}-w{worker}"


def source_of(spool: str) -> str:
    """The source in `quivive.toml` that a spool belongs to."""
    return WORKER_PATTERN.sub("", spool)

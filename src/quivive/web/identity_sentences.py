"""Sentences of roles, permissions, sign-in and inspections, beside the codes that are stored.

Called by `web.sentences`. Must never promise more than `model.permission` grants.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from quivive.model.entry import ActKind
from quivive.model.permission import Permission, Role
from quivive.vault_sessions import Means

CODES: Final[tuple[tuple[str, type[StrEnum]], ...]] = (("means", Means), ("role_text", Role))
PROBLEMS: Final = (
    "credentials_refused", "inspection_end", "inspection_over", "inspection_unknown", "oidc_groups_apart",
    "oidc_no_agent", "oidc_no_group", "oidc_refused", "oidc_state", "oidc_token", "oidc_unreachable", "passkey_host",
    "passkey_known", "passkey_local_only", "passkey_refused", "passkey_unknown", "passkeys_full", "session_unknown",
    "sign_in_by_link_only",
)  # fmt: skip
INSPECTED: Final = (
    ActKind.SIGN_IN, ActKind.SIGN_OUT, ActKind.SEARCH_SUBJECT, ActKind.VIEW_SUBJECT, ActKind.VIEW_ACTIVITY_CLOSE,
    ActKind.VIEW_HEALTH, ActKind.VIEW_COVERAGE, ActKind.VIEW_CASES, ActKind.VIEW_CASE, ActKind.VIEW_RECORDINGS,
    ActKind.VERIFY_LEDGER, ActKind.PERMISSION_REFUSED, ActKind.END_SESSIONS,
)  # fmt: skip
"""Acts of an inspector that no other page has words for."""


def all_codes() -> Iterator[str]:
    """Every sentence id that these pages can ask for."""
    for prefix, members in CODES:
        yield from (f"{prefix}.{member}" for member in members)
    yield from (f"permission.{each}" for each in Permission if each is not Permission.PUBLIC_PAGE_READ)
    yield from (f"permission_group.{group}" for group in sorted({each.split(".")[0] for each in Permission}))
    yield from (f"act.{act}" for act in INSPECTED)

"""To whom an execution belongs (DESIGN §6, "Attribution belongs to execution"; capture cases 64–68).

Called by the relay: `SessionFacts` follows one connection, `attribute` is asked once per execution. Pure: time is an
argument. Must never guess: no attribution is `none`; and never keep a login beyond its connection.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quivive.model.access import AttributionSource
from quivive.model.gate import CapturePolicy
from quivive.privacy.pseudonym import ControllerKeys
from quivive.wire.shape import Literal
from quivive.wire.sql import StatementPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributionSettings:
    """What a source declares about attribution (subset of SourceSettings, without settings.py as a dependency)."""

    namespace: str
    agent_variable: str = "quivive.agent"
    contact_variable: str = "quivive.contact"
    application_name_is_agent: bool = False
    account_is_agent: bool = False
    comment_agent_key: str = "agent"
    comment_contact_key: str = "contact"
    service_accounts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Pseudonyms of one execution. `session_kept` False: the opaque session id must be dropped as well (dry, withheld)."""

    agent: str
    account: str
    contact: str
    source: AttributionSource
    session_kept: bool


class SessionFacts:
    """Session variables of one connection with PostgreSQL's transactional semantics.

    The relay calls, in wire order: `sent` per statement executed (Execute of a portal, or each statement of a simple
    Query), `sync_sent` per Sync or simple Query; then on the answers `completed` per CommandComplete or
    EmptyQueryResponse, `failed` per ErrorResponse, `ready` per ReadyForQuery with its status.
    """

    def __init__(self, settings: AttributionSettings, *, login: str, startup: Mapping[str, str]) -> None:
        raise NotImplementedError

    def sent(
        self,
        plan: StatementPlan,
        slots: Sequence[Sequence[Literal]] = (),
        binds: Sequence[bytes | None] = (),
    ) -> None:
        """A statement was sent; its effect is visible to the statements sent after it."""
        raise NotImplementedError

    def completed(self) -> None:
        """The oldest statement not yet answered ended well."""
        raise NotImplementedError

    def failed(self) -> None:
        """The oldest statement not yet answered failed: the rest of its batch is skipped."""
        raise NotImplementedError

    def sync_sent(self) -> None:
        """A batch ends (Sync, or the end of a simple Query)."""
        raise NotImplementedError

    def ready(self, status: str) -> None:
        """ReadyForQuery: `I`, `T` or `E`; the server's word on the oldest batch."""
        raise NotImplementedError

    def variable(self, name: str) -> str:
        """Value of a tracked variable now, "" when unset."""
        raise NotImplementedError


def attribute(
    facts: SessionFacts,
    *,
    tags: Mapping[str, str] | None,
    policy: CapturePolicy,
    keys: ControllerKeys,
    at: int,
) -> Attribution:
    """Attribute one execution sent now. `tags` are those of the text just sent; None for a re-executed statement."""
    raise NotImplementedError

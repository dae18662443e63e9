"""Permissions and roles in one place (DESIGN §11). Attached to handlers; a test enumerates every route.

Form: `scope.noun.verb`, alphabetical. Must never be parsed back from a string, and a team leader
(evaluator) must never receive a trace permission.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Final

from quivive.model.errors import RefusedError


class Permission(StrEnum):
    CONTROLLER_ACCESSES_READ = "controller.accesses.read"
    CONTROLLER_ALERTS_READ = "controller.alerts.read"
    CONTROLLER_ALERTS_REVIEW = "controller.alerts.review"
    CONTROLLER_CASES_READ = "controller.cases.read"
    CONTROLLER_CASES_WRITE = "controller.cases.write"
    CONTROLLER_COVERAGE_READ = "controller.coverage.read"
    CONTROLLER_EVIDENCE_EXPORT = "controller.evidence.export"
    CONTROLLER_EXPOSURE_SEARCH = "controller.exposure.search"
    CONTROLLER_PACK_EXPORT = "controller.pack.export"
    CONTROLLER_SUBJECT_SEARCH = "controller.subject.search"
    CONTROLLER_UNEXPLAINED_READ = "controller.unexplained.read"
    CONTROLLER_UNMASK = "controller.unmask.read"
    OPERATOR_ACCESSES_WRITE = "operator.accesses.write"
    OPERATOR_CONTACTS_WRITE = "operator.contacts.write"
    OPERATOR_DIRECTORY_WRITE = "operator.directory.write"
    OPERATOR_HEALTH_READ = "operator.health.read"
    OPERATOR_INSPECTION_OPEN = "operator.inspection.open"
    OPERATOR_LEDGER_VERIFY = "operator.ledger.verify"
    OPERATOR_REMOVAL_APPROVE = "operator.removal.approve"
    OPERATOR_ROSTER_WRITE = "operator.roster.write"
    OWN_RECORDINGS_READ = "own.recordings.read"
    OWN_SESSIONS_READ = "own.sessions.read"
    OWN_SPACE_READ = "own.space.read"
    OWN_WORD_WRITE = "own.word.write"
    PUBLIC_PAGE_READ = "public.page.read"
    RECORDINGS_ANALYSIS_WRITE = "recordings.analysis.write"
    RECORDINGS_AUDIO_LISTEN = "recordings.audio.listen"
    RECORDINGS_CAMPAIGN_APPROVE = "recordings.campaign.approve"
    RECORDINGS_PURGE_APPROVE = "recordings.purge.approve"
    RECORDINGS_REGISTER_READ = "recordings.register.read"
    RECORDINGS_REGISTER_WRITE = "recordings.register.write"


class Role(StrEnum):
    SECURITY = "security"
    DPO = "dpo"
    ADMINISTRATOR = "administrator"
    AGENT = "agent"
    EVALUATOR = "evaluator"
    AUDITOR = "auditor"
    INSPECTOR = "inspector"
    INTEGRATION = "integration"


_TRACE: Final = frozenset(
    {
        Permission.CONTROLLER_ACCESSES_READ,
        Permission.CONTROLLER_ALERTS_READ,
        Permission.CONTROLLER_ALERTS_REVIEW,
        Permission.CONTROLLER_CASES_READ,
        Permission.CONTROLLER_CASES_WRITE,
        Permission.CONTROLLER_COVERAGE_READ,
        Permission.CONTROLLER_EVIDENCE_EXPORT,
        Permission.CONTROLLER_EXPOSURE_SEARCH,
        Permission.CONTROLLER_PACK_EXPORT,
        Permission.CONTROLLER_SUBJECT_SEARCH,
        Permission.CONTROLLER_UNEXPLAINED_READ,
        Permission.CONTROLLER_UNMASK,
    }
)
_TRACE_DEEDS: Final = frozenset(
    {
        Permission.CONTROLLER_ALERTS_REVIEW,
        Permission.CONTROLLER_CASES_WRITE,
        Permission.CONTROLLER_EXPOSURE_SEARCH,
        Permission.CONTROLLER_UNMASK,
    }
)
_COMMON: Final = frozenset({Permission.OWN_SESSIONS_READ, Permission.PUBLIC_PAGE_READ})
_REGISTER: Final = frozenset({Permission.RECORDINGS_REGISTER_READ, Permission.RECORDINGS_REGISTER_WRITE})

ROLE_PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    Role.SECURITY: _TRACE | _COMMON | {Permission.OPERATOR_LEDGER_VERIFY, Permission.OPERATOR_REMOVAL_APPROVE},
    Role.DPO: _TRACE
    | _COMMON
    | _REGISTER
    | {
        Permission.OPERATOR_HEALTH_READ,
        Permission.OPERATOR_INSPECTION_OPEN,
        Permission.OPERATOR_LEDGER_VERIFY,
        Permission.OPERATOR_REMOVAL_APPROVE,
        Permission.RECORDINGS_AUDIO_LISTEN,
        Permission.RECORDINGS_CAMPAIGN_APPROVE,
        Permission.RECORDINGS_PURGE_APPROVE,
    },
    Role.ADMINISTRATOR: _COMMON | {Permission.OPERATOR_HEALTH_READ, Permission.OPERATOR_LEDGER_VERIFY},
    Role.AGENT: _COMMON | {Permission.OWN_RECORDINGS_READ, Permission.OWN_SPACE_READ, Permission.OWN_WORD_WRITE},
    Role.EVALUATOR: _COMMON | _REGISTER | {Permission.RECORDINGS_ANALYSIS_WRITE, Permission.RECORDINGS_AUDIO_LISTEN},
    Role.AUDITOR: _COMMON
    | {
        Permission.CONTROLLER_COVERAGE_READ,
        Permission.CONTROLLER_PACK_EXPORT,
        Permission.CONTROLLER_SUBJECT_SEARCH,
    },
    Role.INSPECTOR: (_TRACE - _TRACE_DEEDS)
    | _COMMON
    | {Permission.OPERATOR_HEALTH_READ, Permission.OPERATOR_LEDGER_VERIFY, Permission.RECORDINGS_REGISTER_READ},
    Role.INTEGRATION: frozenset({Permission.PUBLIC_PAGE_READ})
    | {
        Permission.OPERATOR_ACCESSES_WRITE,
        Permission.OPERATOR_CONTACTS_WRITE,
        Permission.OPERATOR_DIRECTORY_WRITE,
        Permission.OPERATOR_ROSTER_WRITE,
    },
}


def check_grant(roles: Collection[Role], controllers: Collection[str], *, person: str = "") -> None:
    """Refuse a grant that would join what must stay apart. `person` is the PersonKey of an agent, "" for others.

    Raises:
        RefusedError: `role_missing`, `agent_alone` (the role of an agent goes with a person and with no other role),
            `auditor_one_company` (an auditor sees one company, and holds no other role), `evaluator_alone` (who
            evaluates calls reads no traces), `inspector_alone`.
    """
    held = set(roles)
    if not held:
        raise RefusedError("role_missing", "expected one role at least")
    if (Role.AGENT in held or person) and (held != {Role.AGENT} or not person):
        raise RefusedError("agent_alone", "expected the role agent alone, with the id of a person")
    if Role.AUDITOR in held and (held != {Role.AUDITOR} or len(set(controllers)) != 1):
        raise RefusedError("auditor_one_company", "expected the role auditor alone, with one company")
    if Role.EVALUATOR in held and held & {Role.SECURITY, Role.INSPECTOR}:
        raise RefusedError("evaluator_alone", "expected no role that reads traces beside evaluator")
    if Role.INSPECTOR in held and held != {Role.INSPECTOR}:
        raise RefusedError("inspector_alone", "expected the role inspector alone")

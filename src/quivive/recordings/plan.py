"""A plan of removal: what a look at the stores proposes, sealed in parts, shown in lines and CSV. Pure.

Called by the commands, the daily round and the console. Must never hold what one person alone may carry out: a plan is
a proposal, its digest is what two persons agree to.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

import msgspec

from quivive.model.audio import (
    MAX_PLAN_PART_ITEMS,
    PURGE_RULE,
    AudioProposal,
    PlanBody,
    PlanCount,
    PlanItem,
)
from quivive.model.clock import DAY_US, Micros, to_rfc3339
from quivive.model.purge import (
    RULE_CLAUSE,
    CertificateBody,
    CheckedPlace,
    PurgedWhat,
    PurgePlace,
    PurgeRule,
    RemovedRange,
    certificate_id,
    removed_root,
)
from quivive.recordings.judging import Judged

CSV_COLUMNS: Final = (
    "audio", "store", "controller", "campaign", "recording", "contact", "ended_at", "clock", "age_days", "limit_days",
    "size_bytes", "proposal", "reason",
)  # fmt: skip
_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def make_plan(
    judged: Iterable[Judged],
    *,
    controller: str,
    principal: str,
    role: str,
    at: int,
    hashes: Mapping[str, str],
    declared: bool = False,
    follows: str = "",
) -> tuple[PlanBody, ...]:
    """Make the parts of a plan over every judged object; only those to be purged become items."""
    every = sorted(judged, key=lambda each: each.seen.audio)
    items = [_item(each, hashes) for each in every if each.proposal is AudioProposal.PURGE]
    digest = digest_of(items)
    name = "\x1f".join(("quivive-recording-plan/v1", controller, digest, str(at)))
    parts = [items[at : at + MAX_PLAN_PART_ITEMS] for at in range(0, len(items), MAX_PLAN_PART_ITEMS)] or [[]]
    return tuple(
        PlanBody(
            plan=sha256(name.encode()).hexdigest()[:32],
            controller=controller,
            part=number,
            parts=len(parts),
            digest=digest,
            planned_by=principal,
            planned_role=role,
            planned_at=at,
            stores=tuple(sorted({each.seen.store for each in every})),
            declared=declared,
            follows=follows,
            objects=len(every),
            items=tuple(part),
            counts=_counts(every) if number == 1 else (),
        )
        for number, part in enumerate(parts, 1)
    )


def _item(judged: Judged, hashes: Mapping[str, str]) -> PlanItem:
    return PlanItem(
        audio=judged.seen.audio,
        store=judged.seen.store,
        campaign=judged.campaign,
        recording=judged.recording,
        reason=judged.reason,
        clock=judged.clock,
        ended_at=judged.ended_at,
        limit_days=judged.limit_days,
        size_bytes=judged.seen.size_bytes,
        sha256=hashes.get(judged.seen.audio, ""),
    )


def _counts(judged: Sequence[Judged]) -> tuple[PlanCount, ...]:
    groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for each in judged:
        groups[each.proposal, each.reason, each.campaign].append(each.ended_at)
    return tuple(
        PlanCount(
            proposal=proposal,
            reason=reason,
            campaign=campaign,
            count=len(ended),
            oldest_ended_at=min((at for at in ended if at), default=0),
        )
        for (proposal, reason, campaign), ended in sorted(groups.items())
    )


def digest_of(items: Iterable[PlanItem]) -> str:
    """SHA-256 over the items in order of their ids: the plan as its proposer saw it."""
    counted = sha256(b"quivive-recording-plan/v1")
    for item in sorted(items, key=lambda each: each.audio):
        line = _ENCODER.encode(item)
        counted.update(len(line).to_bytes(4) + line)
    return counted.hexdigest()


def whole(parts: Iterable[PlanBody]) -> PlanBody | None:
    """Put the parts of a plan together; None while one is missing or when they are not what the digest says."""
    found = {part.part: part for part in parts}
    if 1 not in found or set(found) != set(range(1, found[1].parts + 1)):
        return None
    items = tuple(item for number in sorted(found) for item in found[number].items)
    if digest_of(items) != found[1].digest:
        return None
    return replace(found[1], items=items, parts=1)


def certificates(
    plan: PlanBody,
    *,
    approved_by: str,
    approval: str,
    executed_at: int,
    verified_absent_at: int,
    looked_at: int,
    backup_days_max: int,
) -> tuple[CertificateBody, ...]:
    """Certify a plan whose every object was looked for and not found: one for each rule and campaign."""
    groups: dict[tuple[PurgeRule, str], list[PlanItem]] = defaultdict(list)
    for item in plan.items:
        groups[PURGE_RULE[item.reason], item.campaign].append(item)
    return tuple(
        _certificate(
            plan, rule, campaign, items, approved_by=approved_by, approval=approval, executed_at=executed_at,
            verified_absent_at=verified_absent_at, looked_at=looked_at, backup_days_max=backup_days_max,
        )
        for (rule, campaign), items in sorted(groups.items())
    )  # fmt: skip


def _certificate(
    plan: PlanBody, rule: PurgeRule, campaign: str, items: Sequence[PlanItem], *, looked_at: int, **facts: Any
) -> CertificateBody:
    root = removed_root(each.encode() for each in sorted(item.audio for item in items))
    return CertificateBody(
        certificate=certificate_id(PurgedWhat.RECORDINGS, plan.controller, root, plan.plan),
        what=PurgedWhat.RECORDINGS,
        controller=plan.controller,
        rule=rule,
        clause=RULE_CLAUSE[rule],
        count=len(items),
        ranges=(RemovedRange(shard=campaign, first=0, count=len(items)),) if campaign else (),
        removed_root=root,
        declared_days=max(item.limit_days for item in items),
        planned_by=plan.planned_by,
        keys_destroyed=(),
        places=(CheckedPlace(place=PurgePlace.AUDIO, looked_at=looked_at, found=0),),
        declared_by_vendor=plan.declared,
        campaign=campaign,
        **facts,
    )


def csv_of(judged: Iterable[Judged], now: int, names: Mapping[str, str] | None = None) -> str:
    """Every object of a look, one a line. `names`: clear names by audio id, only for who may read the store anyway."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*CSV_COLUMNS, "name") if names is not None else CSV_COLUMNS)
    for each in sorted(judged, key=lambda one: (one.proposal, one.reason, one.ended_at, one.seen.audio)):
        line = csv_row(each, now)
        writer.writerow((*line, _inert(names.get(each.seen.audio, ""))) if names is not None else line)
    return out.getvalue()


def csv_row(judged: Judged, now: int) -> tuple[str, ...]:
    """One object as its line shows it."""
    seen = judged.seen
    return (
        seen.audio, seen.store, seen.controller, judged.campaign, judged.recording, judged.contact,
        to_rfc3339(Micros(judged.ended_at)) if judged.ended_at else "", judged.clock,
        str((now - judged.ended_at) // DAY_US) if judged.ended_at else "", str(judged.limit_days),
        str(seen.size_bytes), judged.proposal, judged.reason,
    )  # fmt: skip


def _inert(text: str) -> str:
    """A name that a spreadsheet would take for a formula stays a text."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text

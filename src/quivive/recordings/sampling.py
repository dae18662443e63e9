"""The draw of a call: random, nobody can foresee it, everybody can recompute it afterwards (law reference R-02).

The core derives one seed a campaign and day, writes its commitment into the ledger before the day and the seed itself
after it; the gate draws with it. Pure. Must never draw with anything an exchange, an agent or a listener chooses but
the call's own pseudonym, and never give out the seed of a day that has not ended.
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

SEED_BYTES: Final = 32
THOUSAND: Final = 1_000
_SEPARATOR: Final = b"\x1f"
_SEED: Final = b"quivive-recording-seed-v1"
_COMMITMENT: Final = b"quivive-recording-commitment-v1"
_DRAW: Final = b"quivive-recording-draw-v1"


def seed_of(key: bytes, controller: str, campaign: str, day: str) -> bytes:
    """Derive the seed (32 bytes) of a campaign and UTC day `yyyymmdd` from a secret that never leaves the core."""
    return hmac.digest(key, _joined(_SEED, controller, campaign, day), "sha256")


def commitment(seed: bytes, controller: str, campaign: str, day: str) -> str:
    """Commit to a seed (64 hex digits): binds it to its campaign and day, and reveals nothing of it."""
    return sha256(_joined(_COMMITMENT, controller, campaign, day) + _SEPARATOR + seed).hexdigest()


def draw(seed: bytes, contact: str) -> int:
    """Draw 0 to 999 for a call: below the campaign's share in thousandths, it is sampled."""
    number = int.from_bytes(hmac.digest(seed, _joined(_DRAW, contact), "sha256")[:8], "big")
    return number * THOUSAND >> 64


def _joined(tag: bytes, *fields: str) -> bytes:
    return _SEPARATOR.join((tag, *(field.encode() for field in fields)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One answer that rests on a draw, as the ledger holds it. `share` in thousandths, -1 unknown campaign version."""

    controller: str
    campaign: str
    contact: str
    draw: int
    allowed: bool
    not_sampled: bool
    share: int
    asked_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedFacts:
    """What the ledger says of one seed: instants when commitment and seed were written, 0 when they were not."""

    controller: str
    campaign: str
    day: str
    committed: str
    committed_at: int
    seed: str
    revealed_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayProof:
    """What recomputing a day gave, for one campaign. `good` is what an auditor asks for.

    `committed_before`: the commitment was in the ledger before the first draw that rests on it.
    """

    campaign: str
    controller: str
    committed_before: bool
    commitment_holds: bool
    drawn: int
    sampled: int
    wrong_draws: int
    wrong_answers: int

    @property
    def good(self) -> bool:
        """Committed before any draw, opened by the seed, and every draw and answer is what the seed gives."""
        return self.committed_before and self.commitment_holds and not self.wrong_draws and not self.wrong_answers


def prove_day(seeds: Iterable[SeedFacts], answers: Iterable[Drawn]) -> tuple[DayProof, ...]:
    """Recompute every draw of a day from the seeds that were revealed; campaigns in order of their names."""
    told = {(each.controller, each.campaign): each for each in seeds}
    by_campaign: dict[tuple[str, str], list[Drawn]] = {place: [] for place in told}
    for answer in answers:
        by_campaign.setdefault((answer.controller, answer.campaign), []).append(answer)
    return tuple(_prove(place, told, found) for place, found in sorted(by_campaign.items()))


def _prove(place: tuple[str, str], told: Mapping[tuple[str, str], SeedFacts], answers: list[Drawn]) -> DayProof:
    facts = told.get(place)
    seed = bytes.fromhex(facts.seed) if facts is not None and facts.seed else b""
    holds = facts is not None and bool(seed) and commitment(seed, *place, facts.day) == facts.committed
    wrong_draws = sum(not seed or draw(seed, each.contact) != each.draw for each in answers)
    wrong_answers = sum(each.share >= 0 and each.not_sampled == (each.draw < each.share) for each in answers)
    return DayProof(
        campaign=place[1],
        controller=place[0],
        committed_before=facts is not None
        and facts.committed_at > 0
        and all(facts.committed_at <= each.asked_at for each in answers),
        commitment_holds=holds,
        drawn=len(answers),
        sampled=sum(not each.not_sampled for each in answers),
        wrong_draws=wrong_draws,
        wrong_answers=wrong_answers,
    )

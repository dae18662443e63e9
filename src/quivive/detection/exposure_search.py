"""Exposure search: from a list of victims to agents who opened more of them than their work explains.

Called by the console and by `quivive exposure-search`, behind its switch, each search an act. Victims arrive as
record keys, never as values. Must never return an AgentKey or a PersonKey (neutral codes only), nor store a result.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quivive.projection.projection import Projection


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """One agent against a list of victims. Sorted by rarity; thousandths where the name says so.

    Fields:
        opened: victims whose record the agent opened. expected_milli: victims such an agent opens by work alone.
        lift_milli: opened / expected. p_milli: minus log10 of the Poisson-binomial tail. q_milli: Benjamini-Hochberg.
        unexplained: of the opened ones, how many had no reason. first_at, last_at: instants of the first and last
            opening. days: distinct UTC days. accesses: access ids, in order, at most MAX_ALERT_ACCESSES.
    """

    controller: str
    agent_code: str
    opened: int
    victims: int
    expected_milli: int
    lift_milli: int
    p_milli: int
    q_milli: int
    unexplained: int
    first_at: int
    last_at: int
    days: int
    accesses: tuple[str, ...]


def search(
    projection: Projection,
    *,
    controllers: Sequence[str],
    victims: Sequence[str],
    from_at: int,
    to_at: int,
) -> tuple[Lift, ...]:
    """Rank the agents who opened at least one victim's record in the period; rarest first."""
    raise NotImplementedError

"""The draw: foreseen by nobody, recomputed by everybody."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quivive.recordings.sampling import Drawn, SeedFacts, commitment, draw, prove_day, seed_of

KEY = b"k" * 32
PLACE = ("aurore", "coaching", "20261123")
SEED = seed_of(KEY, *PLACE)
FACTS = SeedFacts(
    controller="aurore", campaign="coaching", day="20261123", committed=commitment(SEED, *PLACE), committed_at=5,
    seed=SEED.hex(), revealed_at=20,
)  # fmt: skip


def drawn(number, share=300):
    contact = f"{number:032x}"
    found = draw(SEED, contact)
    return Drawn(
        controller="aurore", campaign="coaching", contact=contact, draw=found, allowed=found < share,
        not_sampled=found >= share, share=share, asked_at=10,
    )  # fmt: skip


def test_every_day_and_campaign_has_its_own_seed():
    """What one day revealed tells nothing of another."""
    seeds = {seed_of(KEY, "aurore", c, f"202611{d:02d}") for c in ("a", "b") for d in range(1, 30)}
    assert len(seeds) == 58


@given(st.binary(min_size=32, max_size=32), st.text("0123456789abcdef", min_size=32, max_size=32))
def test_a_draw_is_a_thousandth(seed, contact):
    """0 to 999, always the same."""
    assert 0 <= draw(seed, contact) < 1_000
    assert draw(seed, contact) == draw(seed, contact)


def test_the_share_is_what_was_announced():
    """Of 20,000 calls three hundredths are drawn, within chance."""
    sampled = sum(draw(SEED, f"{number:032x}") < 30 for number in range(20_000))
    assert 500 < sampled < 700


def test_an_honest_day_is_proven():
    """Committed before, opened by the seed, every answer as drawn."""
    answers = [drawn(number) for number in range(500)]
    (proof,) = prove_day([FACTS], answers)
    assert proof.good
    assert (proof.drawn, proof.sampled) == (500, sum(each.allowed for each in answers))


@pytest.mark.parametrize(
    ("facts", "answer"),
    [
        (replace(FACTS, committed_at=11), drawn(1)),
        (replace(FACTS, seed=""), drawn(1)),
        (replace(FACTS, seed=(b"x" * 32).hex()), drawn(1)),
        (FACTS, replace(drawn(1), draw=drawn(1).draw ^ 1)),
        (FACTS, replace(drawn(1), not_sampled=not drawn(1).not_sampled)),
    ],
)
def test_a_day_that_was_arranged_is_not(facts, answer):
    """Committed too late, another seed, another draw, another answer."""
    (proof,) = prove_day([facts], [answer])
    assert not proof.good


def test_answers_without_a_seed_are_told():
    """A campaign that drew without ever committing shows up."""
    (proof,) = prove_day([], [drawn(1)])
    assert (proof.good, proof.wrong_draws) == (False, 1)

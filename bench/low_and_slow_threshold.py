"""The threshold of low-and-slow: at most one false alarm per 1,000 agent-weeks on ordinary days, by simulation.

Run by hand when a chart changes: `.venv/bin/python bench/low_and_slow_threshold.py`. Ordinary agents differ from each
other (own factor: Gamma, deviation `OWN`) and from day to day (negative binomial); nobody misbehaves. The charts are
those of `detection.low_and_slow`; both measures run, so two means are drawn. Must never be tuned on misuse.
"""

import sys

import numpy as np

FACTORS = (2.0, 4.0)
MEANS = (0.3, 1.0, 3.0, 8.0)  # expected counts a day
SPREADS = (0.05, 0.2, 0.5)
OWN = 0.2
DAYS_A_WEEK = 5
THRESHOLDS = np.arange(5.0, 14.1, 1.0)
BEFORE = WINDOW = 20  # worked days in four weeks
OWN_WEIGHT_DAYS = 20
SEED = 20261123


def alarms(mean, spread, agents, weeks, chance):
    """False alarms of one measure per 1,000 agent-weeks, by threshold.

    As in the product: each day the charts run over the last four weeks of work, compared with the own factor that the
    four weeks before them give; a chart restarts after it crossed.
    """
    days = BEFORE + WINDOW + weeks * DAYS_A_WEEK
    own = chance.gamma(1 / OWN**2, OWN**2, (agents, 1))
    counts = chance.poisson(mean * own * chance.gamma(1 / spread, spread, (agents, days)))
    found = np.zeros(len(THRESHOLDS))
    for last in range(BEFORE + WINDOW, days):
        first = last - WINDOW + 1
        weight = OWN_WEIGHT_DAYS * mean
        past = counts[:, first - BEFORE : first].sum(axis=1)
        usual = mean * np.clip((weight + past) / (weight + BEFORE * mean), 0.5, 2.0)
        for place, limit in enumerate(THRESHOLDS):
            crossed = np.zeros(agents, dtype=bool)
            for factor in FACTORS:
                total = np.zeros(agents)
                for day in range(first, last + 1):
                    total = np.maximum(total, 0.0) + ratios(counts[:, day], usual, spread, factor)
                    over = total >= limit
                    if day < last:
                        total[over] = 0.0
                crossed |= total >= limit
            found[place] += crossed.sum()
    return found / (agents * weeks) * 1_000


def ratios(counts, means, spread, factor):
    """`low_and_slow.ratio` for many agents at once (its test compares the two)."""
    grown, plain = np.log1p(spread * factor * means), np.log1p(spread * means)
    return counts * (np.log(factor) - grown + plain) - (grown - plain) / spread


def threshold(agents=1_000, weeks=8, seed=SEED, tell=print):
    """The least threshold at which two measures together stay at or below one alarm, in the worst cell."""
    chance = np.random.default_rng(seed)
    worst = np.zeros(len(THRESHOLDS))
    for mean in MEANS:
        for spread in SPREADS:
            found = 2 * alarms(mean, spread, agents, weeks, chance)
            worst = np.maximum(worst, found)
            least = THRESHOLDS[np.argmax(found <= 1.0)] if (found <= 1.0).any() else float("nan")
            tell(f"mean {mean:4.1f}  spread {spread:4.2f}  least threshold {least:4.1f}")
    enough = THRESHOLDS[np.argmax(worst <= 1.0)] if (worst <= 1.0).any() else float("nan")
    tell(f"all cells: {enough:.1f} nats (at most 1 false alarm per 1,000 agent-weeks)")
    return float(enough)


if __name__ == "__main__":
    threshold(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)

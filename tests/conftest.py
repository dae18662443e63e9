"""How many examples property tests draw: few by default, many with QUIVIVE_EXAMPLES=deep (before a release)."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("quick", max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("deep", max_examples=1_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("QUIVIVE_EXAMPLES", "quick"))

"""From an alert to a case to a decision: steps, admissibility, unmasking, hand-over (DESIGN §2)."""

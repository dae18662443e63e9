"""Judgement: every exposure gets one verdict with its evidence, set-wise, live and in replay (DESIGN §9)."""

"""Quivive: who had access to what, who changed what, when, and for what reason, with proof."""

__version__ = "0.1.0"

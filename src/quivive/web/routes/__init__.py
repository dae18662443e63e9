"""Handlers by noun. Each carries one permission; each look at traces is an act before the answer."""

"""Edges that observe: relays, access intake, access files. Must never import the ledger, DuckDB or the web."""

"""The recording gate: an exchange asks, the announced campaigns answer (DESIGN §10; docs/recording-gate.md).

An edge process with a policy snapshot and its own spool. Must never import the ledger, DuckDB or the web.
"""

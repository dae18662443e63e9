"""Calls, tickets, callbacks, people and shifts: pure mapping of rows to entries' bodies. Beside the ledger, never importing it."""

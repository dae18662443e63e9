"""Calls, tickets, callbacks, people and shifts: rows to bodies, pure. Beside the ledger, never importing it."""

"""Recordings and listening, governed before they happen: register, notices, gate, what happened, purge (DESIGN §10)."""

"""Keyed pseudonyms, canonical keys, sealing and redaction. Pure: no socket, clock, logger or database."""

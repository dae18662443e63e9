"""Connectors: foreign files, logs and event streams become rows of the API (docs/connectors.md)."""

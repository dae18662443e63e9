"""Disposable columnar tables derived from durable ledger entries (DESIGN §8; ADR 0006)."""

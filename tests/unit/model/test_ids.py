"""Names of spools and the sources they belong to."""

import pytest

from quivive.model.ids import source_of, worker_name


@pytest.mark.parametrize(("worker", "spool"), [(1, "aurore-db"), (2, "aurore-db-w2"), (16, "aurore-db-w16")])
def test_a_worker_belongs_to_its_source(worker: int, spool: str) -> None:
    """Every worker has its own spool, and each leads back to the one source."""
    assert worker_name("aurore-db", worker) == spool
    assert source_of(spool) == "aurore-db"


@pytest.mark.parametrize("name", ["aurore-db", "aurore-db-links", "crm-w", "w2", "db-w2-links"])
def test_other_names_stay(name: str) -> None:
    """Only the end that workers have is taken off."""
    assert source_of(name) == name

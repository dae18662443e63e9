"""Proposals from names and keys, without a database."""

import tomllib

from quivive.capture.source_map import FoundTable, Proposal, propose, to_toml
from quivive.model.catalogue import TableKind


def table(
    name: str,
    columns: str,
    *,
    key: tuple[str, ...] = ("id",),
    estimate: int = 100_000,
    uniques: tuple[str, ...] = (),
    foreign_keys: tuple[tuple[str, str], ...] = (),
) -> FoundTable:
    return FoundTable(
        name=f"public.{name}",
        estimate=estimate,
        columns=tuple(columns.split()),
        key=key,
        uniques=uniques,
        foreign_keys=foreign_keys,
    )


FOUND = (
    table(
        "abonne",
        "id nom prenom telephone courriel numero foyer_id",
        uniques=("numero",),
        foreign_keys=(("foyer_id", "public.foyer"),),
    ),
    table("foyer", "id libelle"),
    table("contrat", "id abonne_id reference", uniques=("reference",)),
    table("facture", "id contrat_id montant", foreign_keys=(("contrat_id", "public.contrat"),)),
    table("motif", "id libelle", estimate=12),
    table("journal", "at texte", key=()),
    table("stock", "id quantity", estimate=900_000),
)


def kinds(proposal: Proposal) -> dict[str, TableKind]:
    return {p.table.name.removeprefix("public."): p.table.kind for p in proposal.tables}


def test_kinds_from_french_names() -> None:
    """Persons, groups, two hops of linked tables and reference data; what is unclear is left to a person."""
    proposal = propose(FOUND)
    assert kinds(proposal) == {
        "abonne": TableKind.PERSON,
        "foyer": TableKind.GROUP,
        "contrat": TableKind.LINKED,
        "facture": TableKind.LINKED,
        "motif": TableKind.REFERENCE,
    }
    assert dict(proposal.undecided) == {
        "public.journal": "no primary key",
        "public.stock": "no key leads to a person",
    }


def test_alternates_and_paths() -> None:
    """Phone, e-mail and unique numbers are alternates; a path without foreign key says it is guessed by name."""
    proposed = {p.table.name: p for p in propose(FOUND).tables}
    assert [(a.column, a.kind) for a in proposed["public.abonne"].table.alternates] == [
        ("telephone", "phone"),
        ("courriel", "email"),
        ("numero", "abonne_numero"),
    ]
    contract = proposed["public.contrat"]
    assert contract.table.path is not None
    assert (contract.table.path.column, contract.table.path.to) == ("abonne_id", "public.abonne")
    assert "please check" in contract.reason
    assert "please check" not in proposed["public.facture"].reason


def test_toml_can_be_loaded() -> None:
    """The proposal is valid TOML of the controller file's table part, with what is undecided as comments."""
    text = to_toml(propose(FOUND))
    decoded = tomllib.loads(text)
    assert decoded["not_protected"] == []
    assert len(decoded["tables"]) == 5
    assert "# to decide: public.stock" in text
    assert decoded["tables"][2]["path"] == {"column": "abonne_id", "to": "public.abonne"}


def test_nothing_is_proposed_from_nothing() -> None:
    """An empty database is an empty proposal."""
    assert propose(()) == Proposal(tables=(), undecided=())

"""Claims of analysis documents: announced grids, sealed content, own clock, readers, nothing added up."""

import asyncio

import pytest
from desk_place import RECORDING, Place
from register_bodies import ANNE, BEN

from quivive.model.clock import DAY_US
from quivive.model.entry import EntryKind
from quivive.model.errors import RefusedError
from quivive.model.recording_register import DocumentState
from quivive.rows import FieldError
from quivive.vault import Vault

GRID = {
    "grid": "accueil",
    "purpose": "training",
    "criteria": [
        {"code": "greeting", "fr": "Accueil", "en": "Greeting", "highest": 3},
        {"code": "identity", "fr": "Vérification", "en": "Identity check"},
    ],
}
MARKS = {"greeting": 2, "identity": 3}


@pytest.fixture
def place(tmp_path):
    place = Place(Vault.open(tmp_path / "vault.db"))
    asyncio.run(place.announce())
    asyncio.run(place.desk.analysis.register_grid(GRID))
    yield place
    place.vault.close()


def make(place, **changed):
    fields = {"controller": "aurore", "recording": RECORDING, "grid": "accueil", "marks": MARKS, "remark": "Well done."}
    return asyncio.run(place.desk.analysis.make(**{**fields, "principal": "evaluator-1", **changed}))


def test_what_a_document_says_is_in_no_entry(place):
    """The entry has ids, a hash and the end; marks and words are sealed in the vault."""
    body = make(place)
    assert body.expires_at == place.now + 365 * DAY_US
    written = repr(place.entries[-1])
    assert "Well done" not in written
    assert "greeting" not in written.split("DocumentBody")[1]
    assert b"Well done" not in b"".join(
        path.read_bytes() for path in __import__("pathlib").Path(place_folder(place)).glob("vault.db*")
    )


def place_folder(place):
    """Folder of the vault's file."""
    return place.vault._connection.execute("pragma database_list").fetchone()[2].rpartition("/")[0]


def test_only_its_agent_its_evaluator_and_the_dpo_read_it(place):
    """Another evaluator meets the same answer as for a document that does not exist."""
    body = make(place)
    desk = place.desk.analysis
    assert desk.read(body.document, principal="evaluator-1", dpo=False).content.marks == MARKS
    assert desk.read(body.document, principal="dpo-1", dpo=True).content.remark == "Well done."
    with pytest.raises(RefusedError, match="document_unknown"):
        desk.read(body.document, principal="evaluator-2", dpo=False)
    assert [each.body.document for each in desk.of_person(ANNE)] == [body.document]
    assert desk.of_person(BEN) == []


def test_the_agent_sees_it_once_and_the_entry_says_so(place):
    """Shown is written once."""
    make(place)
    desk = place.desk.analysis
    assert (asyncio.run(desk.shown(ANNE)), asyncio.run(desk.shown(ANNE))) == (1, 0)
    assert desk.of_person(ANNE)[0].body.state is DocumentState.SHOWN


def test_on_its_clock_it_is_erased_and_an_entry_says_so(place):
    """Due is not read any more, then deleted; also when the core died between deletion and entry."""
    body = make(place)
    desk = place.desk.analysis
    assert asyncio.run(desk.erase_due()) == 0
    place.now = body.expires_at
    assert desk.read(body.document, principal="evaluator-1", dpo=False).content is None
    place.vault.erase_documents(place.now)  # the deletion of a round that died before it could say so
    assert (asyncio.run(desk.erase_due()), asyncio.run(desk.erase_due())) == (1, 0)
    assert place.register.documents()[0].state is DocumentState.ERASED


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"recording": "0" * 32}, "recording_unknown"),
        ({"controller": "boreal"}, "recording_unknown"),
        ({"grid": "unknown"}, "grid_unknown"),
        ({"principal": "evaluator-2"}, "not_a_listener"),
        ({"marks": {}}, "marks_invalid"),
        ({"marks": {"greeting": 4}}, "marks_invalid"),
        ({"marks": {"speed": 1}}, "marks_invalid"),
    ],
)
def test_what_was_not_announced_is_not_analysed(place, changed, code):
    """Unknown recording, grid, mark or listener."""
    with pytest.raises(RefusedError, match=code):
        make(place, **changed)


def test_a_grid_of_another_purpose_does_not_fit(place):
    """A call recorded for training is not evaluated (R-01)."""
    asyncio.run(place.desk.analysis.register_grid(GRID | {"grid": "evaluation", "purpose": "evaluation"}))
    with pytest.raises(RefusedError, match="purpose_unfit"):
        make(place, grid="evaluation")


def test_a_changed_grid_is_a_new_version_and_old_documents_keep_theirs(place):
    """What was announced then is what was marked then."""
    body = make(place)
    changed = asyncio.run(place.desk.analysis.register_grid(GRID | {"criteria": GRID["criteria"][:1]}))
    assert changed.version == 2
    read = place.desk.analysis.read(body.document, principal="evaluator-1", dpo=False)
    assert [criterion.code for criterion in read.grid.criteria] == ["greeting", "identity"]
    assert place.kinds().count(EntryKind.ANALYSIS_GRID) == 2


@pytest.mark.parametrize(
    ("changed", "place_of_error"),
    [
        ({"grid": "Grille 1"}, "$.grid"),
        ({"criteria": []}, "$.criteria"),
        ({"criteria": [GRID["criteria"][0]] * 2}, "$.criteria"),
        ({"criteria": [{"code": "a", "fr": "A", "en": "A", "highest": 11}]}, "$.criteria[0].highest"),
        ({"purpose": "contract_evidence"}, "$.purpose"),
        ({"weight": 2}, "$"),
    ],
)
def test_a_grid_that_cannot_be_read_names_its_place(place, changed, place_of_error):
    """One error: place, expected, found."""
    with pytest.raises(FieldError) as caught:
        asyncio.run(place.desk.analysis.register_grid(GRID | changed))
    assert caught.value.field == place_of_error

"""What people write and what is kept stays sealed, named by a hash that tells nothing."""

import pytest

from quivive.cases.folder import MAX_TEXT_CHARS, CaseFolder
from quivive.model.errors import RefusedError, StorageError
from quivive.privacy.keyring import Keyring

CASE = "c" * 32
WORDS = "La personne dit avoir rappelé le client depuis un autre poste."


@pytest.fixture
def folder(tmp_path):
    return CaseFolder(tmp_path, Keyring.create(tmp_path, ["aurore", "boreal"]))


def test_words_come_back_and_stand_nowhere_in_clear(folder, tmp_path):
    """In the folder or in the keys."""
    digest = folder.put_text("aurore", CASE, f"  {WORDS}\n")
    assert folder.text("aurore", CASE, digest) == WORDS
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or "rappelé".encode() not in path.read_bytes()


def test_the_same_words_have_another_hash_each_time(folder):
    """A short answer cannot be guessed from the ledger."""
    assert folder.put_text("aurore", CASE, "oui") != folder.put_text("aurore", CASE, "oui")


def test_no_words_are_no_document(folder):
    """And have no hash."""
    assert (folder.put_text("aurore", CASE, " \n"), folder.text("aurore", CASE, "")) == ("", "")


def test_what_was_erased_with_its_case_is_no_text(folder):
    """A page still opens."""
    assert folder.text("aurore", CASE, "0" * 64) == ""


def test_an_altered_document_is_told_and_not_shown(folder, tmp_path):
    """One flipped bit."""
    digest = folder.put_text("aurore", CASE, WORDS)
    (path,) = (tmp_path / "cases").rglob("*.sealed")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(StorageError):
        folder.text("aurore", CASE, digest)


def test_a_document_does_not_open_in_another_case(folder, tmp_path):
    """The key and the purpose are the case's own."""
    digest = folder.put_text("aurore", CASE, WORDS)
    (path,) = (tmp_path / "cases").rglob("*.sealed")
    other = tmp_path / "cases" / "aurore" / ("d" * 32)
    other.mkdir()
    (other / path.name).write_bytes(path.read_bytes())
    with pytest.raises(StorageError):
        folder.text("aurore", "d" * 32, digest)


def test_a_pasted_file_is_refused(folder):
    """With the limit."""
    with pytest.raises(RefusedError, match="case_text_long"):
        folder.put_text("aurore", CASE, "x" * (MAX_TEXT_CHARS + 1))


def test_a_case_id_is_never_a_path(folder):
    """Only 32 hexadecimal digits."""
    with pytest.raises(RefusedError, match="case_unknown"):
        folder.put_text("aurore", "../../keys", WORDS)


def test_exhibits_come_back_in_the_order_of_the_log(folder):
    """Whatever order they were kept in; words are no exhibit."""
    folder.put_text("aurore", CASE, WORDS)
    for index in (9, 2, 5):
        folder.put_exhibit("aurore", CASE, {"shard": "aurore/202611", "index": index})
    assert [each["index"] for each in folder.exhibits("aurore", CASE)] == [2, 5, 9]
    assert folder.exhibits("boreal", CASE) == []

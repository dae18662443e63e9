"""Texts and shapes are remembered within bounds."""

from quivive.capture.statements import MAX_TEXTS, Statements


def test_same_shape_for_other_literals() -> None:
    """Two texts that differ by literals share one shape; the same text is analysed once."""
    statements = Statements()
    one = statements.known(b"select a from t where id = 1", whole=True)
    two = statements.known(b"select a from t where id = 2", whole=True)
    assert one.shape is two.shape
    assert statements.known(b"select a from t where id = 1", whole=True) is one


def test_bounded() -> None:
    """Very many texts do not grow the cache beyond its bound."""
    statements = Statements()
    for number in range(MAX_TEXTS + 20):
        statements.known(b"select a from t where id = %d" % number, whole=True)
    assert len(statements._texts) == MAX_TEXTS


def test_cut_and_unseen_texts_are_opaque() -> None:
    """A text that was cut or never seen has an opaque plan, never an empty one."""
    statements = Statements()
    assert statements.known(b"", whole=False).shape.plans[0].opaque == "unseen_text"
    assert statements.known(b"select 'x", whole=False).shape.plans[0].opaque == "text_too_long"


def test_an_unseen_text_is_not_an_empty_one() -> None:
    """Whoever sends an empty query, or the head of a text as a text, changes nothing for texts that were not seen."""
    statements = Statements()
    for text in (b"", b"select 'x"):
        statements.known(text, whole=True)
        assert statements.known(text, whole=False).shape.plans[0].opaque in ("unseen_text", "text_too_long")


def test_other_encodings() -> None:
    """A LATIN1 text is analysed, not refused (case 12)."""
    known = Statements().known("select a from t where b = 'é'".encode("latin-1"), whole=True)
    assert known.shape.plans[0].tables == ("t",)

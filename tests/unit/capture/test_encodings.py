"""Keys in other encodings than UTF-8."""

from example_catalogue import KEYS, SNAPSHOT
from hypothesis import given
from hypothesis import strategies as st

from quivive.capture import encodings
from quivive.capture.encodings import RecodingCollector, codec_of, recode_binds, textual, utf8
from quivive.capture.resolve import resolve
from quivive.wire.postgres.state import Execution, Statement
from quivive.wire.shape import shape_of
from quivive.wire.sql import plan_of


def test_every_codec_is_one_of_python() -> None:
    """Each name in the table can be read."""
    for codec in encodings._CODECS.values():
        assert utf8("é".encode(), codec) is not None


def test_what_is_taken_as_it_is() -> None:
    """UTF-8, the server's own bytes, and what Python cannot read."""
    assert {codec_of(name) for name in (b"UTF8", b"SQL_ASCII", b"MULE_INTERNAL", b"\xff")} == {""}
    assert utf8(b"\xe9", "") == b"\xe9"


@given(st.text(alphabet="abcéà€ŒßÿŽ-"))
def test_a_text_is_the_same_in_two_encodings(text: str) -> None:
    """WIN1252 and UTF-8 give one text."""
    assert utf8(text.encode("cp1252"), codec_of(b"WIN1252")).decode() == text


@given(st.binary(max_size=8), st.sampled_from(sorted(encodings._CODECS.values())))
def test_no_bytes_raise(raw: bytes, codec: str) -> None:
    """What cannot be read is replaced."""
    utf8(raw, codec).decode()


def test_binds_and_columns_that_are_text() -> None:
    """Texts are recoded in either format, numbers in binary are not."""
    execution = Execution(Statement(None, (23, 25, 0)))
    execution.binds, execution.bind_formats = [b"\xe9\xe9\xe9\xe9", b"\xe9", b"\xe9"], (1, 1, 0)
    recode_binds(execution, "latin_1")
    assert execution.binds == [b"\xe9\xe9\xe9\xe9", "é".encode(), "é".encode()]
    assert textual((0, 1, 1), (20, 20, 25)) == (True, False, True)


def test_a_collector_reads_by_the_encoding() -> None:
    """The key of a row is that of its text."""
    (plan,) = plan_of(shape_of("select 1").text)
    collector = RecodingCollector(resolve(SNAPSHOT, plan, ()), KEYS, ()).recode("cp1252", (True, False))
    collector.add_rows([(b"\x80", b"\x80"), (None, None)])
    assert collector.take_parts() == ()

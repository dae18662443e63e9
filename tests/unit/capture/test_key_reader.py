"""Readers made once per extraction."""

from example_catalogue import CUSTOMER, KEYS, SNAPSHOT, fields_of, planned

from quivive.capture.key_reader import MAX_PREPARED, prepared
from quivive.capture.resolve import resolve
from quivive.privacy.pseudonym import neighbourhood, record_key


def test_made_once_per_extraction_and_formats() -> None:
    """The same extraction and formats share their readers; other formats have their own."""
    found = resolve(SNAPSHOT, planned("select id from customer")[0], fields_of((CUSTOMER, "id")))
    assert prepared(found, KEYS, (0,)) is prepared(found, KEYS, [0])
    assert prepared(found, KEYS, (0,)) is not prepared(found, KEYS, (1,))


def test_cache_is_bounded_and_stays_right() -> None:
    """Readers of forgotten extractions are made again, never mixed up."""
    plan = planned("select id from customer")[0]
    for n in range(MAX_PREPARED + 10):
        found = resolve(SNAPSHOT, plan, fields_of((CUSTOMER, "id")))
        reader = prepared(found, KEYS, (0,)).columns[0]
        if n % 500 == 0:
            assert reader.key(b"5") == record_key(KEYS, "public.customer", "5")


def test_neighbourhood_is_the_pseudonym() -> None:
    """The quick neighbourhood equals the slow one."""
    found = resolve(SNAPSHOT, planned("select id from customer")[0], fields_of((CUSTOMER, "id")))
    reader = prepared(found, KEYS, (0,)).columns[0]
    for number in (0, 63, 64, -1, 2**62):
        assert reader.neighbourhoods([number >> 6]) == [neighbourhood(KEYS, "public.customer", number)]


def test_many_texts_are_the_texts_of_each() -> None:
    """Reading many raw keys at once gives what reading one by one gives, whatever stands among them."""
    found = resolve(SNAPSHOT, planned("select id from customer")[0], fields_of((CUSTOMER, "id")))
    reader = prepared(found, KEYS, (0,)).columns[0]
    for raws in ([b"1", b"20"], [b"1", b"007"], [b"0"], [b"-3", b"4"], [b"", b"5"], [b"x", b"6"], [b" 7"]):
        one_by_one = [text for raw in raws if (text := reader.encoded(raw)) is not None]
        assert reader.texts(list(raws)) == one_by_one

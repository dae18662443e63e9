"""The bulk hasher is the pseudonym, only quicker."""

from hypothesis import given, settings
from hypothesis import strategies as st

from quivive.privacy.hasher import alternate_hasher, record_hasher
from quivive.privacy.pseudonym import ControllerKeys, alternate_key, record_key


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=100), st.text(max_size=20), st.lists(st.text(max_size=80), max_size=5))
def test_equals_the_pseudonym(key: bytes, table: str, texts: list[str]) -> None:
    """Same keys as record_key and alternate_key, one by one and in bulk, for keys longer than a block too."""
    keys = ControllerKeys(key_id="k", record=key, agent=key)
    wanted = [record_key(keys, table, text) for text in texts]
    hasher = record_hasher(keys, table)
    assert hasher.many([text.encode() for text in texts]) == wanted == [hasher(text.encode()) for text in texts]
    assert [alternate_hasher(keys, table)(t.encode()) for t in texts] == [alternate_key(keys, table, t) for t in texts]

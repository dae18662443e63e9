"""Sixteen hashes side by side give what `hmac` gives, compiled or not."""

import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quivive.privacy import hasher, many


def midstates(key: bytes, prefix: bytes) -> tuple[many.Midstate, many.Midstate]:
    padded = key.ljust(64, b"\0")
    return many.Midstate(bytes(o ^ 0x36 for o in padded) + prefix), many.Midstate(bytes(o ^ 0x5C for o in padded))


@settings(deadline=None, max_examples=20)
@given(st.binary(min_size=1, max_size=64), st.binary(max_size=140), st.lists(st.binary(max_size=55), max_size=35))
def test_equals_hmac(key: bytes, prefix: bytes, texts: list[bytes]) -> None:
    """Any key and prefix, any texts that fill up a block at most, whole groups of sixteen and the rest."""
    inner, outer = midstates(key, prefix)
    short = [text[: many.ROOM - len(inner.rest)] for text in texts if len(inner.rest) <= many.ROOM]
    wanted = [hmac.digest(key, prefix + text, "sha256")[:16].hex() for text in short]
    assert many.pseudonyms(inner, outer, short) == wanted


@given(st.lists(st.one_of(st.integers(0, 10**25), st.integers(-(10**20), -1))))
def test_neighbourhoods_of_integers(numbers: list[int]) -> None:
    """Each block once, for integers of any size and sign, with leading zeros too."""
    texts = [str(one).encode() for one in numbers] + [b"007"]
    assert many.blocks(texts, 6) == {one >> 6 for one in (*numbers, 7)}


@pytest.mark.parametrize("size", [0, 20, 24, 25, 60])
def test_the_hasher_takes_the_lanes_only_where_they_fit(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """A text too long for its block goes the other way, with the same result."""
    monkeypatch.setattr(many, "COMPILED", True)
    one = hasher.KeyHasher(b"k" * 32, b"record", "public.customer_accounts")
    texts = [b"x" * size + str(at).encode() for at in range(20)]
    assert one.many(texts) == [one(text) for text in texts]

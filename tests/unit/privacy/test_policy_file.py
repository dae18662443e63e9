"""Claims on the policy file: a damaged one never widens anything, and no error repeats what it held."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quivive.model.errors import StorageError
from quivive.model.gate import CapturePolicy
from quivive.privacy.policy_file import MAX_POLICY_BYTES, POLICY_FORMAT, decode_policy, encode_policy

POLICY = CapturePolicy(active=True, informed={"a" * 32: 5, "b" * 32: 0}, keep_unknown=False, service_accounts=("crm",))


@given(
    st.booleans(),
    st.dictionaries(st.text("0123456789abcdef", min_size=32, max_size=32), st.integers(0, 2**53)),
    st.booleans(),
)
def test_what_is_written_is_read(active, informed, keep_unknown):
    """Encoding and decoding give the same policy."""
    policy = CapturePolicy(active=active, informed=informed, keep_unknown=keep_unknown, service_accounts=())
    assert decode_policy(encode_policy(policy)) == policy


def test_an_unchanged_policy_gives_unchanged_bytes():
    """Order of arrival does not show in the file, so a reader is not woken for nothing."""
    other = CapturePolicy(
        active=True, informed={"b" * 32: 0, "a" * 32: 5}, keep_unknown=False, service_accounts=("crm",)
    )
    assert encode_policy(other) == encode_policy(POLICY)


@pytest.mark.parametrize(
    "change",
    [
        {"format": POLICY_FORMAT + 1},
        {"informed": {"Camille Dupont": 1}},
        {"active": "yes"},
        {"extra": 1},
    ],
)
def test_another_form_is_refused_without_its_content(change):
    """A newer format, a login instead of a key, a wrong type: refused, nothing repeated."""
    document = {**json.loads(encode_policy(POLICY)), **change}
    with pytest.raises(StorageError) as caught:
        decode_policy(json.dumps(document).encode())
    assert "Dupont" not in str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_policy_or_a_storage_error(data):
    """Garbage raises one thing only."""
    with pytest.raises(StorageError):
        decode_policy(data)


def test_an_oversized_file_is_not_parsed():
    """The reader's memory is bounded."""
    with pytest.raises(StorageError, match="at most"):
        decode_policy(b" " * (MAX_POLICY_BYTES + 1))

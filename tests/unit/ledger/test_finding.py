"""Exit codes: the gravest finding decides."""

import pytest

from quivive.ledger.finding import Exit, Finding, FindingCode, exit_code


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([], Exit.VERIFIED),
        ([FindingCode.SEGMENT_TAIL], Exit.STALE),
        ([FindingCode.PAYLOAD_NOT_CHECKED, FindingCode.SEGMENT_TAIL], Exit.CANNOT_CHECK),
        ([FindingCode.PAYLOAD_NOT_CHECKED, FindingCode.JOURNAL_AHEAD], Exit.INCONSISTENT),
        ([FindingCode.JOURNAL_AHEAD, FindingCode.TILE_ALTERED], Exit.TAMPERED),
    ],
)
def test_the_gravest_decides(codes, expected):
    """Tampering over inconsistency over unchecked over stale."""
    assert exit_code([Finding(code=code, place="", detail="") for code in codes]) == expected

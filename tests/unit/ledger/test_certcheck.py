"""Missing entries: erased only under a certificate that is whole, names them and gives the root of what they were."""

import json

from quivive.ledger.certcheck import Missing, certificates_in, judge_missing
from quivive.ledger.finding import Exit, FindingCode, exit_code
from quivive.model.purge import removed_root

ENTRIES = [b"\x01" + bytes([n]) * 32 for n in range(40)]
SHARD = "aurore/202611"


def certificate(ranges, *, root=None, part=1, parts=1, of=None, name="c1"):
    removed = [ENTRIES[at] for first, count in (of or ranges) for at in range(first, first + count)]
    return {
        "certificate": name,
        "what": "day",
        "clause": "GDPR 5(1)(e)",
        "count": len(removed),
        "part": part,
        "parts": parts,
        "ranges": [{"shard": SHARD, "first": first, "count": count} for first, count in ranges],
        "removed_root": root or removed_root(removed),
    }


def entries_of(shard, first, count):
    return ENTRIES[first : first + count] if shard == SHARD else []


def judged(missing, certificates, *, keys=True):
    stretches = [Missing(shard=SHARD, first=first, last=last) for first, last in missing]
    return [
        (finding.code, finding.place.rpartition("index ")[2])
        for finding in judge_missing(stretches, certificates, entries_of, keys=keys)
    ]


def test_what_a_certificate_names_is_erased_and_the_rest_is_missing():
    """Partial cover splits a stretch; the exit code of erasure alone is 10."""
    found = judged([(5, 14)], [certificate([(8, 4)])])
    assert found == [
        (FindingCode.PAYLOAD_MISSING, "5 to 7"),
        (FindingCode.ERASED, "8 to 11"),
        (FindingCode.PAYLOAD_MISSING, "12 to 14"),
    ]
    stretch = [Missing(shard=SHARD, first=8, last=11)]
    assert exit_code(list(judge_missing(stretch, [certificate([(8, 4)])], entries_of, keys=True))) is Exit.ERASED


def test_a_certificate_of_another_root_or_without_its_parts_counts_for_nothing():
    """A wrong root, a missing part, another shard: the entries stay missing."""
    ranges = [(8, 2), (20, 2)]
    whole = [certificate([ranges[0]], part=1, parts=2, of=ranges), certificate([ranges[1]], part=2, parts=2, of=ranges)]
    assert {code for code, _ in judged([(8, 9), (20, 21)], whole)} == {FindingCode.ERASED}
    for wrong in ([whole[0]], [certificate([(8, 2)], root="00" * 32)], [certificate([(8, 2)], of=[(8, 3)])]):
        assert {code for code, _ in judged([(8, 9)], wrong)} == {FindingCode.PAYLOAD_MISSING}


def test_without_keys_it_cannot_be_told():
    """Neither valid nor tampered: not checked."""
    assert judged([(3, 4)], [], keys=False) == [(FindingCode.PAYLOAD_NOT_CHECKED, "3 to 4")]


def test_neighbouring_stretches_are_one_line():
    """One finding a stretch, however it was found."""
    assert judged([(3, 3), (4, 4), (5, 9)], []) == [(FindingCode.PAYLOAD_MISSING, "3 to 9")]


def test_only_entries_of_a_purge_are_certificates():
    """The kind decides, not a body that looks like one."""
    body = certificate([(1, 1)])
    assert list(certificates_in(json.dumps({"kind": "purge", "body": body}).encode())) == [body]
    assert not list(certificates_in(json.dumps({"kind": "access", "body": body}).encode()))
    assert not list(certificates_in(b'{"kind":"access","body":{}}'))

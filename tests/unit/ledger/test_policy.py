"""Trust policies: quorums over witnesses and groups; everything else is refused."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from quivive.ledger.policy import PolicyError, parse_policy
from quivive.ledger.signing import cosigner_key, verifier_key

W = [cosigner_key(f"w{n}.example", Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)) for n in range(6)]
LOG = verifier_key("quivive.example/centre/spine", Ed25519PrivateKey.from_private_bytes(bytes(32)))
TWO_LEVELS = f"""# two organisations
log {LOG.text}
witness X1 {W[0].text}
witness X2 {W[1].text} https://x2.example/
witness X3 {W[2].text}
group X 2 X1 X2 X3
witness Y1 {W[3].text}
witness Y2 {W[4].text}
group Y any Y1 Y2
group both all X Y
quorum both
"""


def test_the_two_level_example_of_the_specification():
    """Two of X and one of Y; the address of a witness is read."""
    policy = parse_policy(TWO_LEVELS)
    assert list(policy.logs) == [LOG]
    assert policy.witnesses["X2"] == (W[1], "https://x2.example/")
    assert policy.met([W[0], W[2], W[4]])
    assert not policy.met([W[0], W[1], W[2]])
    assert not policy.met([W[0], W[3]])
    assert parse_policy("quorum none\n").met([])


@pytest.mark.parametrize(
    "change",
    [
        ("quorum both", ""),
        ("quorum both", "quorum both\nquorum X"),
        ("quorum both", "quorum Z"),
        ("group X 2", "group X 4"),
        ("group X 2", "group X 0"),
        ("group X 2 X1 X2 X3", "group X 2 X1 X1 X3"),
        ("group both all X Y", "group both all X Y Y1"),
        ("witness X2", "witness X1"),
        (W[1].text, W[0].text),
        (W[1].text, LOG.text),
        (LOG.text, W[5].text),
        ("# two", "two"),
        ("witness X1", "witness none"),
    ],
)
def test_a_wrong_line_refuses_the_whole(change):
    """Undefined, doubled or reused names and keys, thresholds that cannot be."""
    assert change[0] in TWO_LEVELS
    with pytest.raises(PolicyError):
        parse_policy(TWO_LEVELS.replace(*change))

"""Checkpoints: one spelling, three lines."""

import pytest

from quivive.ledger.checkpoint import Checkpoint, CheckpointError, parse_checkpoint
from quivive.ledger.spine import log_origin, spine_origin

CHECKPOINT = Checkpoint(origin="quivive.example/l/ab/202611", size=7, root=bytes(32))


def test_a_checkpoint_reads_back():
    """Text and fact are one."""
    assert parse_checkpoint(CHECKPOINT.text) == CHECKPOINT
    assert CHECKPOINT.text.count("\n") == 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        CHECKPOINT.text + "extension\n",
        CHECKPOINT.text.replace("\n7\n", "\n07\n"),
        CHECKPOINT.text.replace("\n7\n", "\n-7\n"),
        CHECKPOINT.text.replace("AAA=", "AAB="),
        CHECKPOINT.text.replace("quivive", "Quivive"),
        CHECKPOINT.text.replace("A" * 43, "A" * 39),
        CHECKPOINT.text.replace("A" * 43, "!" * 43),
        CHECKPOINT.text[:-1],
    ],
)
def test_another_spelling_is_refused(text):
    """Nothing that would read back differently is a checkpoint."""
    with pytest.raises(CheckpointError):
        parse_checkpoint(text)


def test_a_newline_in_an_origin_can_never_be_signed():
    """The text is refused before anyone signs it."""
    with pytest.raises(AssertionError):
        _ = Checkpoint(origin="a\nb", size=0, root=bytes(32)).text


def test_origins_hold_no_name():
    """A log's origin is its opaque id."""
    assert log_origin("op.example", "0f" * 16, "202611") == f"op.example/l/{'0f' * 16}/202611"
    assert spine_origin("op.example") == "op.example/spine"

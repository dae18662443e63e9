"""Values of operands at execution."""

import struct

import pytest

from quivive.capture.operands import Operands
from quivive.wire.plan import Operand, OperandKind
from quivive.wire.shape import shape_of

INT8, TEXT, UUID = 20, 25, 2950


def bind(index: int) -> Operand:
    return Operand(kind=OperandKind.BIND, index=index)


def test_formats_as_the_bind_message_gives_them() -> None:
    """None means text, one stands for all, else one each."""
    for formats, wanted in (((), [0, 0]), ((1,), [1, 1]), ((0, 1), [0, 1])):
        values = Operands(slots=(), binds=(b"", b""), bind_formats=formats)
        assert [values.format_of(n) for n in range(2)] == wanted


@pytest.mark.parametrize(
    ("raw", "wire_format", "declared", "column", "texts"),
    [
        (b"5", 0, 0, INT8, ["5"]),
        (struct.pack("!h", 5), 1, 21, INT8, ["5"]),
        (b"5", 1, 25, INT8, ["5"]),
        (b"x", 1, 25, INT8, None),
        (bytes(16), 1, 2950, UUID, ["00000000-0000-0000-0000-000000000000"]),
        (None, 0, 0, INT8, []),
    ],
)
def test_binds(raw: bytes | None, wire_format: int, declared: int, column: int, texts: list[str] | None) -> None:
    """A bind is read by its own type and compared as the column's."""
    values = Operands(slots=(), binds=(raw,), bind_formats=(wire_format,), bind_types=(declared,))
    assert values.canonical(bind(1), column) == texts


def test_missing_operands() -> None:
    """A bind or slot that is not there, or an expression, has no value."""
    values = Operands(slots=(), binds=(), bind_formats=())
    for operand in (bind(1), Operand(kind=OperandKind.SLOT), Operand(kind=OperandKind.OTHER)):
        assert values.canonical(operand, INT8) is None
        assert values.text(operand) is None


def test_arrays_in_literals() -> None:
    """An array literal gives its items; what is no array gives nothing."""
    values = Operands(slots=shape_of("select '{5,NULL,6}', 'x'").slots, binds=(), bind_formats=())
    assert values.canonical(Operand(kind=OperandKind.SLOT, index=0), INT8, array=True) == ["5", "6"]
    assert values.canonical(Operand(kind=OperandKind.SLOT, index=1), INT8, array=True) is None

"""One column of a result as the wire describes it; shared by the protocol codecs and key resolution."""

from typing import NamedTuple


class Field(NamedTuple):
    """A result column: name, base table OID and attribute number (0 when the server cannot tell), type OID.

    `attnum` 0 with a table OID is a whole-row column; negative is a system column (capture reference §4).
    The wire format of a column (text 0, binary 1) belongs to the portal, not to this description.
    """

    name: str
    table_oid: int
    attnum: int
    type_oid: int

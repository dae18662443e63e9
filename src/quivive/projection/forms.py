"""How a staged column is laid out: the closed set of forms that `columns` and `alert_rows` name.

Must never grow a form that a merge text would have to parse back.
"""

from typing import Final

KEY: Final = "key"  # 32 hexadecimal digits: two UBIGINT columns, `_hi` and `_lo`
INT: Final = "int"
TEXT: Final = "text"
BOOL: Final = "bool"
TIE: Final = "tie"  # hash of an entry's body: orders two versions with the same number
HALF: Final = "half"  # 16 hexadecimal digits: one UBIGINT column

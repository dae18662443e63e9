-- All keys linked to the given ones, in both directions.
WITH {linked}
SELECT key_hi, key_lo FROM linked ORDER BY key_hi, key_lo

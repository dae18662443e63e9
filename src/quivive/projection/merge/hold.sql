INSERT INTO hold BY NAME
SELECT * EXCLUDE (nth) FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY hold_hi, hold_lo ORDER BY noted_at, tie) AS nth FROM staged_hold s
) f
WHERE nth = 1 AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.hold_hi = f.hold_hi AND h.hold_lo = f.hold_lo);

-- Verdicts that a new one takes the place of: they are kept. A pending head was never a verdict.
SELECT v.* FROM standing v
JOIN changed c ON c.access_hi = v.access_hi AND c.access_lo = v.access_lo
LEFT JOIN compared d
    ON d.access_hi = v.access_hi AND d.access_lo = v.access_lo AND d.key_hi = v.key_hi AND d.key_lo = v.key_lo
WHERE v.verdict NOT IN ('pending', 'not_applicable') AND COALESCE(NOT d.same, TRUE)

-- Contact sources of each controller: last sign of life, and since when that is too long ago (0 when it is not).
SELECT
    j.controller, j.source, MAX(s.last_at) AS last_at,
    CASE WHEN $as_of - MAX(s.last_at) > MAX(j.silent_after_us) THEN 1 ELSE 0 END AS is_silent
FROM judge_source j JOIN source_state s ON s.source = j.source
WHERE j.source <> ''
GROUP BY j.controller, j.source
ORDER BY j.controller, j.source

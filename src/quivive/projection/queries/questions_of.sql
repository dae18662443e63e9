-- An agent's own questions and what was answered, newest first. $person (32 hex digits) is the session's own person:
-- only the own-space route may call this. No key and no other person in the rows.
SELECT
    q.question_hi, q.question_lo, q.controller, q.access_hi, q.access_lo, q.record_table, q.accessed_at,
    q.call_before_at, q.call_after_at, q.asked_at, q.answer_until,
    COALESCE(w.category, '') AS category, COALESCE(w.answered_at, 0) AS answered_at
FROM agent_question q
JOIN agent p ON p.person_hi = q.ident_hi AND p.person_lo = q.ident_lo
JOIN gate_active g ON g.employer = p.employer AND g.establishment = p.establishment
LEFT JOIN (
    SELECT * FROM (
        SELECT w.*, ROW_NUMBER() OVER (PARTITION BY question_hi, question_lo ORDER BY answered_at DESC, tie DESC) AS nth
        FROM agent_word w
    ) WHERE nth = 1
) w ON w.question_hi = q.question_hi AND w.question_lo = q.question_lo
WHERE q.ident_hi = $person_hi AND q.ident_lo = $person_lo AND q.asked_at >= $from_at AND q.asked_at < $to_at
ORDER BY q.asked_at DESC, q.accessed_at, q.question_hi, q.question_lo
LIMIT COALESCE($limit, 100)

-- What waits for somebody now, as counts: nobody is named, and no row is shown. `about` tells proposals apart by act.
WITH answered AS (SELECT DISTINCT question_hi, question_lo FROM agent_word),
last_check AS (SELECT room, MAX(version) AS version FROM retention_check GROUP BY room)
SELECT 'questions' AS due, '' AS about, COUNT(*) AS waiting, MIN(q.asked_at) AS oldest_at
FROM agent_question q
JOIN agent p ON p.person_hi = q.ident_hi AND p.person_lo = q.ident_lo
JOIN gate_active g ON g.employer = p.employer AND g.establishment = p.establishment
LEFT JOIN answered w ON w.question_hi = q.question_hi AND w.question_lo = q.question_lo
WHERE list_contains($controllers, q.controller) AND w.question_hi IS NULL AND q.answer_until > $as_of
UNION ALL
SELECT 'overdue', '', COUNT(*), MIN(s.oldest_at)
FROM retention_store s
JOIN last_check c ON c.room = s.room AND c.version = s.version
WHERE list_contains($controllers, s.controller) AND s.overdue
UNION ALL
SELECT 'nonconformities', '', COUNT(*), MIN(n.happened_at)
FROM nonconformity n
WHERE list_contains($controllers, n.controller) AND n.closed_by = ''
UNION ALL
SELECT 'second_key', a.act, COUNT(*), MIN(a.proposed_at)
FROM approval a
WHERE list_contains($controllers, a.controller) AND a.state = 'proposed' AND a.expires_at > $as_of
GROUP BY a.act
ORDER BY due, about

-- How far the roster of an establishment is known: nobody is off shift beyond it.
SELECT p.employer, p.establishment, MAX(s.to_at) AS known_to
FROM shift s JOIN agent p ON p.person_hi = s.person_hi AND p.person_lo = s.person_lo
WHERE NOT s.cancelled
GROUP BY p.employer, p.establishment

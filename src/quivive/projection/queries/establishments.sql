-- Where people work: establishments with their countries, sites, people, and how many were informed and are active. Counts.
SELECT
    employer, establishment, country, site, COUNT(*) AS people,
    COUNT(*) FILTER (WHERE informed_at > 0 AND informed_at <= $as_of) AS informed,
    COUNT(*) FILTER (WHERE active_to > 0 AND active_to <= $as_of) AS left_already
FROM agent
GROUP BY employer, establishment, country, site
ORDER BY employer, establishment, country, site

-- Customers on dialler's lists, by campaign: how many carry a proof of consent, and how many of these had expired when offered.
SELECT
    controller, campaign, COUNT(*) AS members, COUNT(*) FILTER (WHERE consented) AS consented,
    COUNT(*) FILTER (WHERE consent_expires_at > 0 AND offered_at > consent_expires_at) AS expired,
    MIN(offered_at) AS first_at, MAX(offered_at) AS last_at
FROM scoped_contact
WHERE contact_kind = 'list_member' AND offered_at >= $from_at AND offered_at < $to_at
GROUP BY controller, campaign
ORDER BY controller, campaign

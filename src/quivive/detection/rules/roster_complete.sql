-- How far the roster sources say they are complete; without such a sign the roster itself decides.
SELECT COALESCE(MIN(h.complete_to), 9223372036854775807) AS complete_to
FROM heartbeat h JOIN configured_source c ON c.source = h.source AND c.source_kind = 'roster'

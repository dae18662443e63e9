-- Who listened, newest first. `by_code` tells whether the source named a listener;
-- nobody is named here, neither heard nor hearing, but by neutral code.
SELECT
    l.listening_hi, l.listening_lo, l.controller, l.source, l.listening_kind, l.of_campaign AS campaign, l.reason,
    l.started_at, l.ended_at, l.heard_ms, l.principal, (l.listener_hi <> 0 OR l.listener_lo <> 0) AS by_code,
    l.ident_hi, l.ident_lo
FROM scoped_listening l
ORDER BY l.at DESC, l.listening_hi, l.listening_lo
LIMIT COALESCE($limit, 200)

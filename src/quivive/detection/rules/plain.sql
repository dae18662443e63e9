-- A rule without correlation: each event is marked.
SELECT event_at, controller, ident, access, row_count, record_count, fixed_chars, record, event_at AS hit_at, 1 AS reached
FROM event

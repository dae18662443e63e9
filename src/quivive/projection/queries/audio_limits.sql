-- What each campaign that records has declared: its last announced version. An ended one still limits what it left.
SELECT campaign, controller, purpose, queues, from_at, to_at, retention_days, listeners, state, version FROM (
    SELECT
        l.*, ROW_NUMBER() OVER (PARTITION BY controller, campaign ORDER BY version DESC, (state = 'ended') DESC, tie) AS nth
    FROM audio_limit l WHERE list_contains($controllers, controller) AND state IN ('announced', 'ended')
)
WHERE nth = 1
ORDER BY controller, campaign

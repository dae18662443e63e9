-- Where the next page of an export ends: the instant of its last access, and how many it has (`export_accesses`).
WITH paged AS (
    SELECT started_at FROM all_access
    WHERE ($action IS NULL OR "action" = $action)
        AND (
            $after_at IS NULL OR started_at > $after_at
            OR (started_at = $after_at AND printf('%016x%016x', access_hi, access_lo) > $after_access)
        )
    ORDER BY started_at
    LIMIT COALESCE($limit, 5000)
)
SELECT MAX(started_at) AS last_at, COUNT(*) AS accesses FROM paged

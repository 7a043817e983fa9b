-- name: put
INSERT INTO row (phase, source_id, part, state, reason, field, detail, job, payload, first_seen, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL, ?8, ?9, ?9)
ON CONFLICT (phase, source_id, part) DO UPDATE SET state = excluded.state, reason = excluded.reason,
    field = excluded.field, detail = excluded.detail, job = NULL,
    payload = COALESCE(excluded.payload, payload), updated_at = excluded.updated_at
-- name: put_new
INSERT OR IGNORE INTO row
    (phase, source_id, part, state, reason, field, detail, job, payload, first_seen, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL, ?8, ?9, ?9)
-- name: counts
SELECT state, reason, COUNT(DISTINCT source_id) FROM row WHERE phase = ? GROUP BY state, reason
-- name: list
SELECT phase, source_id, part, state, reason, field, detail, job, payload, first_seen, updated_at
FROM row WHERE (?1 IS NULL OR phase = ?1) AND (?2 IS NULL OR state = ?2)
AND (?3 IS NULL OR reason = ?3) ORDER BY phase, source_id, part LIMIT ?4 OFFSET ?5
-- name: find
SELECT phase, source_id, part, state, reason, field, detail, job, payload, first_seen, updated_at
FROM row WHERE source_id = ? ORDER BY phase, part
-- name: pending
SELECT phase, source_id, part, state, reason, field, detail, job, payload, first_seen, updated_at
FROM row WHERE phase = ? AND state = 'pending' AND job IS NULL AND (source_id, part) > (?, ?)
ORDER BY source_id, part LIMIT ?
-- name: of_job
SELECT phase, source_id, part, state, reason, field, detail, job, payload, first_seen, updated_at
FROM row WHERE job = ? ORDER BY source_id, part
-- name: assign_job
UPDATE row SET job = ? WHERE phase = ? AND source_id = ? AND part = ?
-- name: release_job
UPDATE row SET job = NULL WHERE job = ?
-- name: clear_of_job
DELETE FROM row WHERE phase = ? AND job = ?
-- name: requeue
UPDATE row SET state = 'pending' WHERE phase = ? AND state = ? AND job IS NULL

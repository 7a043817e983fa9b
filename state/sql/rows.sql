-- name: put
INSERT INTO row (phase, source_id, part, state, reason, field, detail, job, payload, object, map,
    tries, attempts, slice, page, first_seen, updated_at, change)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL, ?8, ?9,
    CASE WHEN ?8 IS NULL THEN NULL ELSE (SELECT MAX(number) FROM map) END,
    ?10, ?11, ?12, ?13, ?14, ?14, ?15)
ON CONFLICT (phase, source_id, part) DO UPDATE SET state = excluded.state, reason = excluded.reason,
    field = excluded.field, detail = excluded.detail, job = NULL,
    payload = COALESCE(excluded.payload, payload),
    object = CASE WHEN excluded.payload IS NULL THEN object ELSE excluded.object END,
    map = CASE WHEN excluded.payload IS NULL THEN map ELSE excluded.map END,
    tries = tries + excluded.tries, attempts = attempts + excluded.attempts,
    slice = COALESCE(excluded.slice, slice), page = COALESCE(excluded.page, page),
    updated_at = excluded.updated_at, change = excluded.change
-- name: put_new
INSERT OR IGNORE INTO row
    (phase, source_id, part, state, reason, field, detail, job, first_seen, updated_at, change)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL, ?14, ?14, ?15)
-- name: sent
INSERT INTO sending (phase, source_id, part, job, outcome) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (phase, source_id, part, job) DO UPDATE SET outcome = excluded.outcome
-- name: sendings
SELECT phase, part, job, outcome FROM sending WHERE phase IN (SELECT value FROM json_each(?1))
AND source_id = ?2 ORDER BY job, part
-- name: drop
DELETE FROM row WHERE phase = ? AND source_id = ? AND part = ?
-- name: counts
SELECT state, reason, change, COUNT(DISTINCT source_id) FROM row WHERE phase = ?
GROUP BY state, reason, change
-- name: list
SELECT phase, source_id, part, state, reason, field, detail, payload, job, first_seen, updated_at,
    object, map, tries, attempts, slice, page, change
FROM row WHERE (?1 IS NULL OR phase = ?1) AND (?2 IS NULL OR state = ?2)
AND (?3 IS NULL OR reason = ?3) ORDER BY phase, source_id, part LIMIT ?4 OFFSET ?5
-- name: find
SELECT phase, source_id, part, state, reason, field, detail, payload, job, first_seen, updated_at,
    object, map, tries, attempts, slice, page, change
FROM row WHERE source_id = ? ORDER BY phase, part
-- name: pending
SELECT phase, source_id, part, state, reason, field, detail, payload, job, first_seen, updated_at,
    object, map, tries, attempts, slice, page, change
FROM row WHERE phase = ? AND state = 'pending' AND job IS NULL AND object = ?
AND change = ? AND (source_id, part) > (?, ?) ORDER BY source_id, part LIMIT ?
-- name: unmade
SELECT phase, source_id, part, state, reason, field, detail, payload, job, first_seen, updated_at,
    object, map, tries, attempts, slice, page, change
FROM row WHERE phase = ?1 AND state IN ('pending', 'waiting') AND job IS NULL AND source_id IN
    (SELECT DISTINCT source_id FROM row WHERE phase = ?1 AND state IN ('pending', 'waiting')
        AND job IS NULL AND (object = '' OR map IS NOT (SELECT MAX(number) FROM map))
        ORDER BY source_id LIMIT ?2)
ORDER BY source_id, part
-- name: of_job
SELECT phase, source_id, part, state, reason, field, detail, payload, job, first_seen, updated_at,
    object, map, tries, attempts, slice, page, change
FROM row WHERE job = ? ORDER BY source_id, part
-- name: assign_job
UPDATE row SET job = ? WHERE phase = ? AND source_id = ? AND part = ?
-- name: release_job
UPDATE row SET job = NULL WHERE job = ?
-- name: clear_of_job
DELETE FROM row WHERE phase = ? AND job = ?
-- name: requeue
UPDATE row SET state = 'pending' WHERE phase = ? AND state = ? AND job IS NULL
-- name: ask
UPDATE row SET state = 'pending', asked = reason, asked_run = ?1, tries = 0, updated_at = ?2,
    map = CASE WHEN ?3 THEN NULL ELSE map END
WHERE state IN ('held', 'failed') AND (phase, source_id) IN
    (SELECT phase, source_id FROM row WHERE state IN ('held', 'failed')
        AND phase IN (SELECT value FROM json_each(?4))
        AND state IN (SELECT value FROM json_each(?5))
        AND (?6 IS NULL OR reason IN (SELECT value FROM json_each(?6)))
        AND (?7 IS NULL OR HEX(source_id) IN (SELECT value FROM json_each(?7))))
-- name: adopt_asked
UPDATE row SET asked_run = ?1
WHERE asked_run IS NOT NULL AND asked_run != ?1 AND state IN ('pending', 'waiting')
-- name: asked_phases
SELECT DISTINCT phase FROM row WHERE asked_run = ?
-- name: asked
SELECT phase, asked, state, reason, COUNT(DISTINCT source_id) FROM row WHERE asked_run = ?
GROUP BY phase, asked, state, reason ORDER BY phase, asked, state, reason
-- name: reasons
SELECT DISTINCT reason FROM row UNION SELECT DISTINCT outcome FROM sending WHERE outcome != ''
-- name: any
SELECT 1 FROM row WHERE phase = ? LIMIT 1
-- name: forget
DELETE FROM row WHERE phase = ? AND source_id = ? AND part = ? AND job IS NULL AND change = 0
-- name: carried
SELECT source_id, part FROM row WHERE job = ?
-- name: waiting_for
SELECT detail, COUNT(DISTINCT source_id) FROM row
WHERE state = 'held' AND reason = ?1
AND (?2 IS NULL OR phase IN (SELECT value FROM json_each(?2))) GROUP BY detail
-- name: release
UPDATE row SET state = 'pending', updated_at = ?1 WHERE state IN ('held', 'failed') AND reason = ?2
    AND (?3 IS NULL OR detail IN (SELECT value FROM json_each(?3)))
-- name: release_phase
UPDATE row SET state = 'pending', updated_at = ?1
WHERE state IN ('held', 'failed') AND phase = ?2 AND reason IN (SELECT value FROM json_each(?3))
-- name: send_again
UPDATE row SET state = 'pending', updated_at = ?
WHERE phase = ? AND source_id = ? AND part = ? AND state = 'failed' AND change = 0
-- name: pending_phases
SELECT DISTINCT phase FROM row WHERE state IN ('pending', 'waiting') AND job IS NULL
-- name: let_go
UPDATE row SET state = 'pending', asked = reason, asked_run = ?, tries = 0, updated_at = ?
WHERE phase = ? AND source_id = ? AND state = 'held' AND change = 0
-- name: lacking
SELECT DISTINCT phase, source_id FROM row WHERE state = 'held' AND change = 0
AND reason = 'parent-missing' AND detail IN (SELECT value FROM json_each(?))
-- name: apart
SELECT DISTINCT source_id FROM row WHERE change = 0 AND source_id IN (/*keys*/)
-- name: other_changes
SELECT source_id, part, payload FROM row WHERE phase = ? AND change = 1 AND state = 'pending'
AND object != ? AND source_id IN (/*keys*/)
-- name: drop_change
DELETE FROM row WHERE phase = ? AND source_id = ? AND change = 1 AND state = 'held'
AND reason = ?
-- name: held_changes
SELECT source_id, part FROM row WHERE phase = ? AND reason = ? AND state = 'held' AND change = 1
AND source_id IN (/*keys*/)

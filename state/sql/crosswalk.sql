-- name: learn
INSERT INTO crosswalk
    (kind, source_id, part, object, target_id, origin, job, version_ms, digest)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (kind, source_id, part) DO UPDATE SET object =
        CASE WHEN target_id = excluded.target_id THEN object ELSE excluded.object END,
    target_id = excluded.target_id, origin = excluded.origin, job = excluded.job,
    version_ms = excluded.version_ms, digest = excluded.digest
WHERE crosswalk.job = 0 AND excluded.job != 0
-- name: unclaimed
SELECT source_id, part, target_id FROM crosswalk
WHERE kind = ? AND job = 0 AND source_id IN (/*keys*/)
-- name: count_unclaimed
SELECT COUNT(*) FROM crosswalk WHERE kind = ? AND job = 0 AND part = 0
-- name: any
SELECT 1 FROM crosswalk LIMIT 1
-- name: resolve
SELECT source_id, object, target_id FROM crosswalk
WHERE kind = ? AND part = 0 AND source_id IN (/*keys*/)
-- name: known
SELECT source_id, part FROM crosswalk
WHERE kind = ?1 AND job != ?2 AND (?2 = -1 OR job != 0) AND source_id IN (/*keys*/)
-- name: brought_by
SELECT source_id, part, target_id FROM crosswalk WHERE kind = ? AND job = ?
AND source_id IN (/*keys*/)
-- name: standing
SELECT source_id, part, object, target_id, origin, version_ms, digest FROM crosswalk
WHERE kind = ? AND source_id IN (/*keys*/)
-- name: revise
UPDATE crosswalk SET version_ms = ?1, digest = ?2
WHERE kind = ?3 AND source_id = ?4 AND part = ?5 AND target_id = ?6 AND digest != ?2
-- name: remove
UPDATE crosswalk SET origin = ? WHERE kind = ? AND source_id = ? AND part = ?
-- name: forget
DELETE FROM crosswalk WHERE kind = ? AND source_id = ? AND part = ?
-- name: become
UPDATE crosswalk SET object = ?1, target_id = ?2, origin = ?3, job = ?4, version_ms = ?5, digest = ?6
WHERE kind = ?7 AND source_id = ?8 AND part = ?9 AND target_id != ?2
-- name: origins
SELECT source_id, origin FROM crosswalk WHERE kind = ? AND part = 0 AND source_id IN (/*keys*/)
-- name: taken
SELECT target_id FROM crosswalk WHERE kind = ? AND target_id IN (SELECT value FROM json_each(?))
-- name: get
SELECT source_id, part, object, target_id, origin, job, version_ms, digest FROM crosswalk
WHERE kind = ? AND source_id = ? ORDER BY part
-- name: count
SELECT COUNT(*) FROM crosswalk WHERE kind = ? AND part = 0 AND job != 0
-- name: count_where
SELECT COUNT(*) FROM crosswalk WHERE kind = ? AND part = 0 AND job != 0
AND (?2 IS NULL OR object = ?2) AND (?3 IS NULL OR origin = ?3)
-- name: export
SELECT kind, source_id, part, object, target_id, origin, job, version_ms, digest FROM crosswalk
WHERE (kind, source_id, part) > (?, ?, ?) ORDER BY kind, source_id, part LIMIT ?
-- name: sources_of
SELECT DISTINCT source_id FROM crosswalk WHERE target_id = ? ORDER BY source_id
-- name: repoint
UPDATE crosswalk SET target_id = ?3 WHERE kind = ?1 AND source_id = ?2 AND part = 0
-- name: ends
SELECT MIN(source_id), MAX(source_id) FROM crosswalk WHERE kind = ?
-- name: next
SELECT source_id FROM crosswalk WHERE kind = ? AND source_id >= ? AND part = 0 ORDER BY source_id LIMIT 1
-- name: every
SELECT source_id FROM crosswalk WHERE kind = ? AND part = 0 ORDER BY source_id

-- name: newest_job
SELECT COALESCE(MAX(id), 0) FROM job
-- name: number
SELECT id FROM name WHERE name = ?
-- name: add_name
INSERT OR IGNORE INTO name (name) VALUES (?)
-- name: met
INSERT OR IGNORE INTO swept (kind, source_id, answer) VALUES (?, ?, 0)
-- name: answered
INSERT INTO swept (kind, source_id, answer) VALUES (?, ?, ?)
ON CONFLICT (kind, source_id) DO UPDATE SET answer = excluded.answer
-- name: loaded
SELECT COUNT(*) FROM crosswalk
WHERE kind = ?1 AND part = 0 AND job <= ?2 AND digest != ?3
AND origin IS NOT (SELECT id FROM name WHERE name = ?4)
-- name: count_missing
SELECT COUNT(*) FROM crosswalk AS c
WHERE c.kind = ?1 AND c.part = 0 AND c.job <= ?2 AND c.digest != ?3
AND c.origin IS NOT (SELECT id FROM name WHERE name = ?4)
AND NOT EXISTS (SELECT 1 FROM swept AS s WHERE s.kind = c.kind AND s.source_id = c.source_id)
AND NOT EXISTS (SELECT 1 FROM row AS r WHERE r.phase = ?5 AND r.source_id = c.source_id AND r.change = 1)
-- name: missing
SELECT c.source_id FROM crosswalk AS c
WHERE c.kind = ?1 AND c.source_id > ?5 AND c.part = 0 AND c.job <= ?2 AND c.digest != ?3
AND c.origin IS NOT (SELECT id FROM name WHERE name = ?4)
AND NOT EXISTS (SELECT 1 FROM swept AS s WHERE s.kind = c.kind AND s.source_id = c.source_id)
ORDER BY c.source_id LIMIT ?6
-- name: shown
SELECT c.source_id FROM crosswalk AS c JOIN swept AS s ON s.kind = c.kind AND s.source_id = c.source_id
WHERE c.kind = ?1 AND s.answer = 0 AND c.part = 0 AND c.digest != ?2
AND c.origin IS NOT (SELECT id FROM name WHERE name = ?3) LIMIT ?4
-- name: unseen
SELECT s.source_id FROM swept AS s
WHERE s.kind = ?1 AND s.answer = 0
AND NOT EXISTS (SELECT 1 FROM crosswalk AS c WHERE c.kind = s.kind AND c.source_id = s.source_id)
AND NOT EXISTS (SELECT 1 FROM row AS r WHERE r.phase = ?2 AND r.source_id = s.source_id)
ORDER BY s.source_id LIMIT ?3
-- name: counts
SELECT answer, COUNT(*) FROM swept WHERE kind = ? GROUP BY answer
-- name: forget
DELETE FROM swept WHERE (kind, source_id) IN
    (SELECT kind, source_id FROM swept WHERE kind = ? LIMIT ?)

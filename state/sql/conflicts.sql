-- name: open
INSERT INTO conflict
    (phase, source_id, part, field, object, target_id, ours, theirs, theirs_by, found_at, decision,
    decided_by, decided_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
ON CONFLICT (phase, source_id, part, field) DO UPDATE SET ours = excluded.ours,
    theirs = excluded.theirs, theirs_by = excluded.theirs_by, found_at = excluded.found_at,
    decision = excluded.decision, decided_by = excluded.decided_by, decided_at = excluded.decided_at
-- name: decided
SELECT source_id, part, field, decision FROM conflict
WHERE phase = ? AND decision = 'source' AND decided_by != 'rule' AND source_id IN (/*keys*/)
-- name: decide
UPDATE conflict SET decision = ?1, decided_by = ?2, decided_at = ?3
WHERE source_id = ?4 AND (?5 IS NULL OR field = ?5)
-- name: concerned
SELECT DISTINCT phase, part FROM conflict WHERE source_id = ?1 AND (?2 IS NULL OR field = ?2)
-- name: settle
DELETE FROM conflict WHERE phase = ? AND source_id = ? AND part = ? AND field = ? AND decided_by != 'rule'
-- name: list
SELECT phase, source_id, part, field, object, target_id, ours, theirs, theirs_by, found_at, decision,
    decided_by, decided_at
FROM conflict WHERE (?1 OR decision = '') ORDER BY phase, source_id, part, field LIMIT ?2
-- name: count
SELECT COUNT(*) FROM conflict WHERE decision = ''
-- name: found_since
SELECT COUNT(*), COALESCE(MAX(found_at), 0) FROM conflict WHERE decision = '' AND found_at > ?
-- name: touch
INSERT OR IGNORE INTO touched (object, target_id) VALUES (?, ?)
-- name: touched
SELECT target_id FROM touched WHERE object = ? AND target_id IN (/*keys*/)
-- name: keep
INSERT OR IGNORE INTO pre_image (object, target_id, field, value, job, taken_at)
VALUES (?, ?, ?, ?, ?, ?)
-- name: pre_images
SELECT object, target_id, field, value FROM pre_image ORDER BY object, target_id, field

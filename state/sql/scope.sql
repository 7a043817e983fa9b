-- name: leave
INSERT OR IGNORE INTO scope (kind, source_id) VALUES (?, ?)
-- name: enter
UPDATE scope SET entered = 1 WHERE kind = ? AND source_id = ? AND entered = 0
-- name: outside
SELECT source_id FROM scope WHERE kind = ? AND entered = 0 AND source_id IN (/*keys*/)
-- name: entered
SELECT source_id FROM scope WHERE kind = ? AND entered = 1 ORDER BY source_id LIMIT ?
-- name: count
SELECT COUNT(*) FROM scope WHERE kind = ? AND entered = 0
-- name: clear
DELETE FROM scope WHERE kind = ?
-- name: settle
DELETE FROM scope WHERE kind = ? AND source_id = ? AND entered = 1
-- name: want
INSERT OR IGNORE INTO wanted (kind, source_id) VALUES (?, ?)
-- name: wanted
SELECT source_id FROM wanted WHERE kind = ? AND source_id IN (/*keys*/)

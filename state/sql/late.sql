-- name: note
INSERT OR IGNORE INTO late (user_id, phase, source_id, part) VALUES (?, ?, ?, ?)
-- name: users
SELECT DISTINCT phase, user_id FROM late
-- name: of
SELECT source_id, part FROM late
WHERE user_id = ? AND phase = ? AND (source_id, part) > (?, ?) ORDER BY source_id, part LIMIT ?
-- name: drop
DELETE FROM late WHERE user_id = ? AND phase = ? AND source_id = ? AND part = ?

-- name: close
INSERT OR REPLACE INTO gate (phase, closed_at, source_count, target_count) VALUES (?, ?, ?, ?)
-- name: get
SELECT closed_at, source_count, target_count FROM gate WHERE phase = ?
-- name: reopen
DELETE FROM gate WHERE phase = ?

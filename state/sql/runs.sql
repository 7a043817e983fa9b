-- name: start
INSERT INTO run (command, pid, started_at) VALUES (?, ?, ?)
-- name: finish
UPDATE run SET ended_at = ?, exit_code = ?, summary = ? WHERE id = ?
-- name: history
SELECT id, command, pid, started_at, ended_at, exit_code, summary FROM run ORDER BY id

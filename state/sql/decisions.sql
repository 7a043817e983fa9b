-- name: decide
INSERT INTO user_decision (source_id, target_id, how, decided_by, decided_at) VALUES (?, ?, ?, ?, ?)
-- name: latest
SELECT source_id, target_id, how, decided_by, decided_at FROM user_decision
WHERE number IN (SELECT MAX(number) FROM user_decision GROUP BY source_id) ORDER BY number

-- name: add
INSERT OR IGNORE INTO membership (team, user) VALUES (?, ?)
-- name: done
DELETE FROM membership WHERE team = ? AND user = ?
-- name: open
SELECT team, user FROM membership ORDER BY team, user

-- name: of
SELECT path, counts, open, tokens FROM profile WHERE kind = ?
-- name: put
INSERT INTO profile (kind, path, counts, open, tokens) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (kind, path) DO UPDATE
SET counts = excluded.counts, open = excluded.open, tokens = excluded.tokens
-- name: key
SELECT value FROM fact WHERE key = 'profile_key'
-- name: set_key
INSERT INTO fact (key, value) VALUES ('profile_key', ?)

-- name: names
SELECT name, id FROM name
-- name: add_name
INSERT OR IGNORE INTO name (name) VALUES (?)

-- name: rows
UPDATE row SET payload = NULL WHERE payload IS NOT NULL
-- name: asides
UPDATE job SET aside = NULL WHERE aside IS NOT NULL
-- name: matches
DELETE FROM match_key
-- name: candidates
DELETE FROM match_candidate
-- name: existing
DELETE FROM fact WHERE key LIKE 'existing.%'
-- name: tokens
UPDATE profile SET tokens = NULL WHERE tokens IS NOT NULL
-- name: token_key
DELETE FROM fact WHERE key = 'profile_key'
-- name: conflicts
UPDATE conflict SET ours = X'', theirs = X''
-- name: pre_images
UPDATE pre_image SET value = X''
-- name: addresses
DELETE FROM address
-- name: supplied
DELETE FROM supplied

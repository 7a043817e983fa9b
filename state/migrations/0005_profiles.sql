-- How the values of all extracted records look, by kind and path.

-- `path` '' is the kind itself. `counts`: numbers by name, as JSON. `open`: there are more distinct
-- values than are kept. `tokens`: eight bytes for each distinct value, made with a key of this workspace,
-- and how many there were of it (eight bytes); NULL when purged.
CREATE TABLE profile (
    kind TEXT NOT NULL,
    path TEXT NOT NULL,
    counts TEXT NOT NULL,
    open INTEGER NOT NULL,
    tokens BLOB,
    PRIMARY KEY (kind, path)
) WITHOUT ROWID;

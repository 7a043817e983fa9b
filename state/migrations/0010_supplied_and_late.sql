-- What records give the children that name them, for what a child takes over of its parent.

-- `payload`: texts by name, as JSON; it holds what records hold, so it is sealed by the spool key and
-- goes with a purge.
CREATE TABLE supplied (
    kind TEXT NOT NULL,
    source_id BLOB NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (kind, source_id)
) WITHOUT ROWID;

-- Rows that went out without their user, since nobody stood for that one yet: a relation of an e-mail has the
-- address alone then. Forgotten when they name the user.
CREATE TABLE late (
    user_id BLOB NOT NULL,
    phase TEXT NOT NULL,
    source_id BLOB NOT NULL,
    part INTEGER NOT NULL,
    PRIMARY KEY (user_id, phase, source_id, part)
) WITHOUT ROWID;

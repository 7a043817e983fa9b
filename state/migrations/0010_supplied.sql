-- What records give the children that name them, for what a child takes over of its parent.

-- `payload`: texts by name, as JSON; it holds what records hold, so it is sealed by the spool key and
-- goes with a purge.
CREATE TABLE supplied (
    kind TEXT NOT NULL,
    source_id BLOB NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (kind, source_id)
) WITHOUT ROWID;

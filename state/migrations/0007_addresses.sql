-- Whose mail address it is, for records that name customers by address alone.

-- `token`: eight bytes that stand for an address in small letters, made with a key of this workspace.
CREATE TABLE address (
    token BLOB NOT NULL,
    source_id BLOB NOT NULL,
    PRIMARY KEY (token, source_id)
) WITHOUT ROWID;

-- Records that a plan leaves out.

-- `entered`: the plan takes the record in since; what belongs to it is still to be read.
CREATE TABLE scope (
    kind TEXT NOT NULL,
    source_id BLOB NOT NULL,
    entered INTEGER NOT NULL DEFAULT 0 CHECK (entered IN (0, 1)),
    PRIMARY KEY (kind, source_id)
) WITHOUT ROWID;
CREATE INDEX scope_entered ON scope (kind, source_id) WHERE entered = 1;

-- Customers and companies that the plan takes because of what belongs to them, where it takes no others.
CREATE TABLE wanted (
    kind TEXT NOT NULL,
    source_id BLOB NOT NULL,
    PRIMARY KEY (kind, source_id)
) WITHOUT ROWID;

-- Maps that a person confirmed, with what they were confirmed for; the newest one counts.

-- `digest`: of the map's meaning. `source` and `target`: the facts about both schemas that the map
-- rests on, as JSON; any difference voids the confirmation.
CREATE TABLE confirmation (
    number INTEGER PRIMARY KEY,
    digest TEXT NOT NULL,
    text TEXT NOT NULL,
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    confirmed_by TEXT NOT NULL,
    confirmed_at REAL NOT NULL
);

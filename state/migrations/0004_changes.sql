-- Changes of records that are in Salesforce already, and the text of each accepted map.

-- `change`: the row changes a record that the crosswalk knows; it is no record of its own in the books.
ALTER TABLE row ADD COLUMN change INTEGER NOT NULL DEFAULT 0;

-- '' for maps of which only the digest is known.
ALTER TABLE map ADD COLUMN text TEXT NOT NULL DEFAULT '';

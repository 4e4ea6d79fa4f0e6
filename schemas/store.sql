-- SPDX-License-Identifier: BSD-2-Clause
--
-- The store of ptnetd: what users declared, and nothing else. The daemon
-- carries this file and runs, in order and each in a transaction of its own,
-- the migrations that a database has not seen (PRAGMA user_version counts
-- them). A migration that was released is never changed; add the next one.

-- migration 1

-- Grows by one with every apply that changed something.
CREATE TABLE state (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	revision INTEGER NOT NULL CHECK (revision >= 0)
) STRICT;

INSERT INTO state VALUES (1, 0);

-- Text as it was sent; one source may hold several topologies.
CREATE TABLE sources (
	id INTEGER PRIMARY KEY,
	file TEXT, -- its name for messages; NULL when it had none
	text TEXT NOT NULL
) STRICT;

CREATE TABLE topologies (
	name TEXT PRIMARY KEY NOT NULL,
	document TEXT NOT NULL, -- checked, as JSON
	source INTEGER NOT NULL REFERENCES sources (id),
	revision INTEGER NOT NULL, -- that brought this document
	applied INTEGER NOT NULL -- seconds since 1970, UTC
) STRICT;

CREATE INDEX topologies_source ON topologies (source);

-- A source goes with the last of its topologies.
CREATE TRIGGER topology_gone AFTER DELETE ON topologies
WHEN NOT EXISTS (SELECT 1 FROM topologies WHERE source = OLD.source)
BEGIN
	DELETE FROM sources WHERE id = OLD.source;
END;

CREATE TRIGGER topology_moved AFTER UPDATE OF source ON topologies
WHEN NOT EXISTS (SELECT 1 FROM topologies WHERE source = OLD.source)
BEGIN
	DELETE FROM sources WHERE id = OLD.source;
END;

-- The journal of one run. Events are appended and never changed; the state is what they add up to.
-- Free pages are given back when the journal is closed, so that every byte of a finished one counts.
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA application_id = 1668444013;
PRAGMA user_version = 1;

CREATE TABLE event (
  seq       INTEGER PRIMARY KEY,  -- from 1, without holes
  time      TEXT NOT NULL,        -- UTC, ISO 8601
  type      TEXT NOT NULL,
  iteration INTEGER,              -- as in the body, for people who look with the sqlite3 shell
  candidate TEXT,
  body      TEXT NOT NULL,        -- JSON
  hash      BLOB NOT NULL         -- SHA-256 of the hash before and of seq, time, type and body
);

CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;

CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;

CREATE TABLE snapshot (
  seq       INTEGER PRIMARY KEY,  -- the last event that the state holds
  hash      BLOB NOT NULL,        -- the hash of that event
  body      BLOB NOT NULL,        -- the state
  body_hash BLOB NOT NULL,        -- SHA-256 of the body
  format    TEXT NOT NULL         -- which form of the state and of the fold wrote it
);

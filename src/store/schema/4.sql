-- Everything that an auditor relies on, in the order of recording: each record carries a digest of
-- itself and of the one before. An effect has two: its intent, before it was sent, and its outcome.
CREATE TABLE journal (
    number    INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    event     TEXT NOT NULL CHECK (event IN (
        'intent', 'outcome', 'decision', 'pause', 'resume', 'retention')),
    tenant    TEXT,
    plan      TEXT,
    operation TEXT,
    body      TEXT NOT NULL CHECK (json_valid(body)),
    chain     TEXT NOT NULL
) STRICT;
CREATE INDEX journal_of_plan ON journal (plan, operation) WHERE plan IS NOT NULL;

-- Up to where records were dropped when their time was over, and the digests there: from there on both
-- chains go on. The first row says where the journal began.
CREATE TABLE checkpoints (
    number           INTEGER PRIMARY KEY,
    journal_number   INTEGER NOT NULL,
    journal_chain    TEXT NOT NULL,
    outcome_number   INTEGER NOT NULL,
    outcome_chain    TEXT NOT NULL,
    -- Outcomes, intents and decisions up to these were recorded before there was a journal.
    outcomes_before  INTEGER NOT NULL,
    intents_before   INTEGER NOT NULL,
    decisions_before INTEGER NOT NULL
) STRICT;
INSERT INTO checkpoints
SELECT 1, 0, 'sha256:0000000000000000000000000000000000000000000000000000000000000000',
       0, 'sha256:0000000000000000000000000000000000000000000000000000000000000000',
       (SELECT coalesce(max(number), 0) FROM outcomes),
       (SELECT coalesce(max(number), 0) FROM intents),
       (SELECT coalesce(max(number), 0) FROM decisions);

-- Holds a row while records whose time is over are dropped, and at no other time.
CREATE TABLE dropping (one INTEGER PRIMARY KEY CHECK (one = 1)) STRICT;

CREATE TRIGGER journal_is_never_edited BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'a record of the journal is never edited'); END;

CREATE TRIGGER journal_is_dropped_by_retention_alone BEFORE DELETE ON journal
WHEN NOT EXISTS (SELECT 1 FROM dropping)
BEGIN SELECT RAISE(ABORT, 'a record of the journal is never deleted'); END;

CREATE TRIGGER checkpoints_are_never_edited BEFORE UPDATE ON checkpoints
BEGIN SELECT RAISE(ABORT, 'a checkpoint is never edited'); END;

CREATE TRIGGER checkpoints_are_never_deleted BEFORE DELETE ON checkpoints
BEGIN SELECT RAISE(ABORT, 'a checkpoint is never deleted'); END;

DROP TRIGGER plans_are_never_deleted;
CREATE TRIGGER plans_are_dropped_by_retention_alone BEFORE DELETE ON plans
WHEN NOT EXISTS (SELECT 1 FROM dropping)
BEGIN SELECT RAISE(ABORT, 'a plan is never deleted'); END;

DROP TRIGGER operations_are_never_deleted;
CREATE TRIGGER operations_are_dropped_by_retention_alone BEFORE DELETE ON operations
WHEN NOT EXISTS (SELECT 1 FROM dropping)
BEGIN SELECT RAISE(ABORT, 'an operation is never deleted'); END;

DROP TRIGGER decisions_are_never_deleted;
CREATE TRIGGER decisions_are_dropped_by_retention_alone BEFORE DELETE ON decisions
WHEN NOT EXISTS (SELECT 1 FROM dropping)
BEGIN SELECT RAISE(ABORT, 'a decision is never deleted'); END;

DROP TRIGGER intents_are_never_deleted;
CREATE TRIGGER intents_are_dropped_by_retention_alone BEFORE DELETE ON intents
WHEN NOT EXISTS (SELECT 1 FROM dropping)
BEGIN SELECT RAISE(ABORT, 'an intent is never deleted'); END;

DROP TRIGGER outcomes_are_never_deleted;
CREATE TRIGGER outcomes_are_dropped_by_retention_alone BEFORE DELETE ON outcomes
WHEN NOT EXISTS (SELECT 1 FROM dropping)
BEGIN SELECT RAISE(ABORT, 'an outcome is never deleted'); END;

CREATE INDEX plans_by_age ON plans (created_at);

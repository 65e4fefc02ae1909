-- How large what plans follow from was: its kind, what it is called, the best size of a day and what
-- came after as a JSON list of pairs of size and time, and the digest of the text of a policy.
CREATE TABLE sources (
    tenant TEXT NOT NULL,
    kind   TEXT NOT NULL,
    name   TEXT NOT NULL,
    marks  TEXT NOT NULL CHECK (json_valid(marks)),
    text   TEXT,
    PRIMARY KEY (tenant, kind, name)
) STRICT, WITHOUT ROWID;

-- Who lost something lately, and when last.
CREATE TABLE losses (
    tenant  TEXT NOT NULL,
    user_id TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (tenant, user_id)
) STRICT, WITHOUT ROWID;

-- How often the ledger of a tenant was changed, so that who read it once knows whether it is still so.
CREATE TABLE ledger_versions (
    tenant  TEXT NOT NULL PRIMARY KEY,
    changes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

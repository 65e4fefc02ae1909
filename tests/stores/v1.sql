-- A store of schema version 1, with plans as the first programs wrote them: without what later ones
-- say of queues, schedules and guards. Never edited.
CREATE TABLE owners (
    tenant  TEXT NOT NULL,
    user_id TEXT NOT NULL,
    sku_id  TEXT NOT NULL,
    policy  TEXT NOT NULL,
    since   INTEGER NOT NULL,
    let_go  INTEGER,
    PRIMARY KEY (tenant, user_id, sku_id, policy)
) STRICT, WITHOUT ROWID;
CREATE TABLE clocks (
    tenant  TEXT NOT NULL,
    user_id TEXT NOT NULL,
    sku_id  TEXT NOT NULL,
    policy  TEXT NOT NULL,
    since   INTEGER NOT NULL,
    PRIMARY KEY (tenant, user_id, sku_id, policy)
) STRICT, WITHOUT ROWID;
CREATE TABLE plans (
    number     INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    tenant     TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN (
        'proposed', 'held', 'approved', 'applying', 'applied', 'partial', 'failed', 'rejected',
        'superseded', 'expired')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    digest     TEXT NOT NULL,
    operations INTEGER NOT NULL,
    people     INTEGER NOT NULL,
    head       TEXT NOT NULL CHECK (json_valid(head))
) STRICT;
CREATE TABLE operations (
    plan           TEXT NOT NULL REFERENCES plans (id),
    position       INTEGER NOT NULL,
    key            TEXT NOT NULL,
    user_id        TEXT NOT NULL,
    principal_name TEXT NOT NULL,
    -- In lower case, so that a search may ignore case beyond ASCII.
    folded_name    TEXT NOT NULL,
    kind           TEXT NOT NULL,
    form           TEXT NOT NULL,
    PRIMARY KEY (plan, position),
    UNIQUE (plan, key)
) STRICT;
CREATE TABLE decisions (
    number   INTEGER PRIMARY KEY,
    plan     TEXT NOT NULL REFERENCES plans (id),
    state    TEXT NOT NULL,
    by       TEXT NOT NULL,
    at       INTEGER NOT NULL,
    -- The guards that were accepted, as a JSON list.
    accepted TEXT NOT NULL CHECK (json_valid(accepted)),
    reason   TEXT
) STRICT;
CREATE TABLE intents (
    number    INTEGER PRIMARY KEY,
    plan      TEXT NOT NULL,
    operation TEXT NOT NULL,
    at        INTEGER NOT NULL,
    UNIQUE (plan, operation),
    FOREIGN KEY (plan, operation) REFERENCES operations (plan, key)
) STRICT;
CREATE TABLE outcomes (
    number     INTEGER PRIMARY KEY,
    plan       TEXT NOT NULL,
    operation  TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN (
        'done', 'already_done', 'stale', 'refused', 'failed', 'deferred')),
    at         INTEGER NOT NULL,
    detail     TEXT NOT NULL,
    code       TEXT,
    request_id TEXT,
    recovered  INTEGER NOT NULL CHECK (recovered IN (0, 1)),
    -- The digest of this record and of the chain before it.
    chain      TEXT NOT NULL,
    UNIQUE (plan, operation),
    FOREIGN KEY (plan, operation) REFERENCES operations (plan, key)
) STRICT;
CREATE TABLE cycles (
    number     INTEGER PRIMARY KEY,
    tenant     TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER NOT NULL,
    plan       TEXT REFERENCES plans (id),
    failure    TEXT
) STRICT;
INSERT INTO owners (tenant, user_id, sku_id, policy, since, let_go) VALUES ('contoso', '00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-0000000000e5', 'engineering-e5', 10000000000, NULL);
INSERT INTO owners (tenant, user_id, sku_id, policy, since, let_go) VALUES ('contoso', '00000000-0000-0000-0000-0000000000b2', '00000000-0000-0000-0000-0000000000e3', 'staff', 10000000000, 20000000000);
INSERT INTO clocks (tenant, user_id, sku_id, policy, since) VALUES ('contoso', '00000000-0000-0000-0000-0000000000b2', '00000000-0000-0000-0000-0000000000e3', 'leavers', 30000000000);
INSERT INTO plans (number, id, tenant, state, created_at, expires_at, digest, operations, people, head) VALUES (1, '01M83T4CM10000000000000007', 'contoso', 'applied', 1795424400000000000, 1795510800000000000, 'sha256:0101010101010101010101010101010101010101010101010101010101010101', 2, 1, '{"format_version":1,"id":"01M83T4CM10000000000000007","digest":"sha256:0101010101010101010101010101010101010101010101010101010101010101","tenant":"contoso","created_at":"2026-11-23T09:00:00Z","expires_at":"2026-11-24T09:00:00Z","trigger":"schedule","part_of":null,"basis":{"policy_digest":"sha256:abababababababababababababababababababababababababababababababab","policy_commit":"4be0c2f","snapshot_taken_at":"2026-11-23T08:59:50Z","users":1200,"groups":14,"read":"full"},"summary":{"add":0,"replace":1,"remove":0,"modify":0,"locate":1,"adopt":1,"people":1,"unchanged":0,"blocked":0,"waiting":0,"scheduled":0,"released":0,"unmanaged":0,"unknown":0},"blocked":[],"waiting":[],"scheduled":[],"released":[],"unknown":[],"left_out":[],"warnings":[],"seats":[],"guards":[]}');
INSERT INTO plans (number, id, tenant, state, created_at, expires_at, digest, operations, people, head) VALUES (2, '01M83T4CM20000000000000007', 'contoso', 'partial', 1795424400000000000, 1795510800000000000, 'sha256:0202020202020202020202020202020202020202020202020202020202020202', 2, 1, '{"format_version":1,"id":"01M83T4CM20000000000000007","digest":"sha256:0202020202020202020202020202020202020202020202020202020202020202","tenant":"contoso","created_at":"2026-11-23T09:00:00Z","expires_at":"2026-11-24T09:00:00Z","trigger":"schedule","part_of":null,"basis":{"policy_digest":"sha256:abababababababababababababababababababababababababababababababab","policy_commit":"4be0c2f","snapshot_taken_at":"2026-11-23T08:59:50Z","users":1200,"groups":14,"read":"full"},"summary":{"add":0,"replace":1,"remove":0,"modify":0,"locate":1,"adopt":1,"people":1,"unchanged":0,"blocked":0,"waiting":0,"scheduled":0,"released":0,"unmanaged":0,"unknown":0},"blocked":[],"waiting":[],"scheduled":[],"released":[],"unknown":[],"left_out":[],"warnings":[],"seats":[],"guards":[]}');
INSERT INTO plans (number, id, tenant, state, created_at, expires_at, digest, operations, people, head) VALUES (3, '01M83T4CM30000000000000007', 'contoso', 'rejected', 1795424400000000000, 1795510800000000000, 'sha256:0303030303030303030303030303030303030303030303030303030303030303', 2, 1, '{"format_version":1,"id":"01M83T4CM30000000000000007","digest":"sha256:0303030303030303030303030303030303030303030303030303030303030303","tenant":"contoso","created_at":"2026-11-23T09:00:00Z","expires_at":"2026-11-24T09:00:00Z","trigger":"schedule","part_of":null,"basis":{"policy_digest":"sha256:abababababababababababababababababababababababababababababababab","policy_commit":"4be0c2f","snapshot_taken_at":"2026-11-23T08:59:50Z","users":1200,"groups":14,"read":"full"},"summary":{"add":0,"replace":1,"remove":0,"modify":0,"locate":1,"adopt":1,"people":1,"unchanged":0,"blocked":0,"waiting":0,"scheduled":0,"released":0,"unmanaged":0,"unknown":0},"blocked":[],"waiting":[],"scheduled":[],"released":[],"unknown":[],"left_out":[],"warnings":[],"seats":[],"guards":[]}');
INSERT INTO plans (number, id, tenant, state, created_at, expires_at, digest, operations, people, head) VALUES (4, '01M83T4CM40000000000000007', 'contoso', 'superseded', 1795424400000000000, 1795510800000000000, 'sha256:0404040404040404040404040404040404040404040404040404040404040404', 2, 1, '{"format_version":1,"id":"01M83T4CM40000000000000007","digest":"sha256:0404040404040404040404040404040404040404040404040404040404040404","tenant":"contoso","created_at":"2026-11-23T09:00:00Z","expires_at":"2026-11-24T09:00:00Z","trigger":"schedule","part_of":null,"basis":{"policy_digest":"sha256:abababababababababababababababababababababababababababababababab","policy_commit":"4be0c2f","snapshot_taken_at":"2026-11-23T08:59:50Z","users":1200,"groups":14,"read":"full"},"summary":{"add":0,"replace":1,"remove":0,"modify":0,"locate":1,"adopt":1,"people":1,"unchanged":0,"blocked":0,"waiting":0,"scheduled":0,"released":0,"unmanaged":0,"unknown":0},"blocked":[],"waiting":[],"scheduled":[],"released":[],"unknown":[],"left_out":[],"warnings":[],"seats":[],"guards":[]}');
INSERT INTO plans (number, id, tenant, state, created_at, expires_at, digest, operations, people, head) VALUES (5, '01M83T4CM50000000000000007', 'contoso', 'held', 1795424400000000000, 4000000000000000000, 'sha256:0505050505050505050505050505050505050505050505050505050505050505', 2, 1, '{"format_version":1,"id":"01M83T4CM50000000000000007","digest":"sha256:0505050505050505050505050505050505050505050505050505050505050505","tenant":"contoso","created_at":"2026-11-23T09:00:00Z","expires_at":"2096-10-02T07:06:40Z","trigger":"schedule","part_of":null,"basis":{"policy_digest":"sha256:abababababababababababababababababababababababababababababababab","policy_commit":"4be0c2f","snapshot_taken_at":"2026-11-23T08:59:50Z","users":1200,"groups":14,"read":"full"},"summary":{"add":0,"replace":1,"remove":0,"modify":0,"locate":1,"adopt":1,"people":1,"unchanged":0,"blocked":0,"waiting":0,"scheduled":0,"released":0,"unmanaged":0,"unknown":0},"blocked":[],"waiting":[{"user":{"id":"00000000-0000-0000-0000-0000000000c3","user_principal_name":"Cem@contoso.com","display_name":null},"sku_id":"00000000-0000-0000-0000-0000000000e5","sku":"SPE_E5","position":1,"because":[{"policy":"engineering-e5","at":"engineering.yaml:2","sku_id":"00000000-0000-0000-0000-0000000000e5","sku":"SPE_E5","reason":"matched","detail":"group Engineering"}]}],"scheduled":[{"user":{"id":"00000000-0000-0000-0000-0000000000d4","user_principal_name":"Dag@contoso.com","display_name":null},"sku_id":"00000000-0000-0000-0000-0000000000e3","sku":"SPE_E3","due":"2026-11-25T09:46:40Z","because":[{"policy":"engineering-e5","at":"engineering.yaml:2","sku_id":"00000000-0000-0000-0000-0000000000e5","sku":"SPE_E5","reason":"matched","detail":"group Engineering"}]}],"released":[],"unknown":[],"left_out":[],"warnings":[],"seats":[],"guards":[{"guard":"first_plan","scope":"tenant","limit":"a person looks at the first plan","actual":"the ledger is empty","tripped":true}]}');
INSERT INTO plans (number, id, tenant, state, created_at, expires_at, digest, operations, people, head) VALUES (6, '01M83T4CM60000000000000007', 'fabrikam', 'applying', 1795424400000000000, 1795510800000000000, 'sha256:0606060606060606060606060606060606060606060606060606060606060606', 2, 1, '{"format_version":1,"id":"01M83T4CM60000000000000007","digest":"sha256:0606060606060606060606060606060606060606060606060606060606060606","tenant":"fabrikam","created_at":"2026-11-23T09:00:00Z","expires_at":"2026-11-24T09:00:00Z","trigger":"schedule","part_of":null,"basis":{"policy_digest":"sha256:abababababababababababababababababababababababababababababababab","policy_commit":"4be0c2f","snapshot_taken_at":"2026-11-23T08:59:50Z","users":1200,"groups":14,"read":"full"},"summary":{"add":0,"replace":1,"remove":0,"modify":0,"locate":1,"adopt":1,"people":1,"unchanged":0,"blocked":0,"waiting":0,"scheduled":0,"released":0,"unmanaged":0,"unknown":0},"blocked":[],"waiting":[],"scheduled":[],"released":[],"unknown":[],"left_out":[],"warnings":[],"seats":[],"guards":[]}');
INSERT INTO operations (plan, position, key, user_id, principal_name, folded_name, kind, form) VALUES ('01M83T4CM10000000000000007', 0, 'sha256:5454545454545454545454545454545454545454545454545454545454545454', '00000000-0000-0000-0000-0000000000a1', 'Ana@contoso.com', 'ana@contoso.com', 'replace', '{"key":"sha256:5454545454545454545454545454545454545454545454545454545454545454","kind":"replace","user":{"id":"00000000-0000-0000-0000-0000000000a1","user_principal_name":"Ana@contoso.com","display_name":null},"add":[{"sku_id":"00000000-0000-0000-0000-0000000000e5","sku":"SPE_E5","disabled_plans":["YAMMER_ENTERPRISE"],"disabled_plan_ids":["00000000-0000-0000-0000-00000000009a"],"held":false,"owners":["engineering-e5"]}],"remove":[{"sku_id":"00000000-0000-0000-0000-0000000000e3","sku":"SPE_E3"}],"adopt":[],"usage_location":{"from":null,"to":"DE"},"before":[{"sku_id":"00000000-0000-0000-0000-0000000000e3","sku":"SPE_E3","disabled_plans":[],"disabled_plan_ids":[]}],"gains":[],"gain_ids":[],"loses":["YAMMER_ENTERPRISE"],"lose_ids":["00000000-0000-0000-0000-00000000009a"],"data_at_risk":["mailbox"],"because":[{"policy":"engineering-e5","at":"engineering.yaml:2","sku_id":"00000000-0000-0000-0000-0000000000e5","sku":"SPE_E5","reason":"matched","detail":"group Engineering"}],"wave":1,"held_by":["max_removals"]}');
INSERT INTO operations (plan, position, key, user_id, principal_name, folded_name, kind, form) VALUES ('01M83T4CM10000000000000007', 1, 'sha256:abababababababababababababababababababababababababababababababab', '00000000-0000-0000-0000-0000000000b2', 'Ben@contoso.com', 'ben@contoso.com', 'adopt', '{"key":"sha256:abababababababababababababababababababababababababababababababab","kind":"adopt","user":{"id":"00000000-0000-0000-0000-0000000000b2","user_principal_name":"Ben@contoso.com","display_name":null},"add":[],"remove":[],"adopt":[{"sku_id":"00000000-0000-0000-0000-0000000000b1","sku":"POWER_BI_PRO","owners":["analysts"]}],"usage_location":null,"before":[{"sku_id":"00000000-0000-0000-0000-0000000000b1","sku":"POWER_BI_PRO","disabled_plans":[],"disabled_plan_ids":[]}],"gains":[],"gain_ids":[],"loses":[],"lose_ids":[],"data_at_risk":[],"because":[],"wave":0,"held_by":[]}');
INSERT INTO operations (plan, position, key, user_id, principal_name, folded_name, kind, form) VALUES ('01M83T4CM20000000000000007', 0, 'sha256:5757575757575757575757575757575757575757575757575757575757575757', '00000000-0000-0000-0000-0000000000a1', 'Ana@contoso.com', 'ana@contoso.com', 'replace', '{"key":"sha256:5757575757575757575757575757575757575757575757575757575757575757","kind":"replace","user":{"id":"00000000-0000-0000-0000-0000000000a1","user_principal_name":"Ana@contoso.com","display_name":null},"add":[{"sku_id":"00000000-0000-0000-0000-0000000000e5","sku":"SPE_E5","disabled_plans":["YAMMER_ENTERPRISE"],"disabled_plan_ids":["00000000-0000-0000-0000-00000000009a"],"held":false,"owners":["engineering-e5"]}],"remove":[{"sku_id":"00000000-0000-0000-0000-0000000000e3","sku":"SPE_E3"}],"adopt":[],"usage_location":{"from":null,"to":"DE"},"before":[{"sku_id":"00000000-0000-0000-0000-0000000000e3","sku":"SPE_E3","disabled_plans":[],"disabled_plan_ids":[]}],"gains":[],"gain_ids":[],"loses":["YAMMER_ENTERPRISE"],"lose_ids":["00000000-0000-0000-0000-00000000009a"],"data_at_risk":["mailbox"],"because":[{"policy":"engineering-e5","at":"engineering.yaml:2","sku_id":"00000000-0000-0000-0000-0000000000e5","sku":"SPE_E5","reason":"matched","detail":"group Engineering"}],"wave":1,"held_by":["max_removals"]}');
INSERT INTO operations (plan, position, key, user_id, principal_name, folded_name, kind, form) VALUES ('01M83T4CM20000000000000007', 1, 'sha256:a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8', '00000000-0000-0000-0000-0000000000b2', 'Ben@contoso.com', 'ben@contoso.com', 'adopt', '{"key":"sha256:a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8","kind":"adopt","user":{"id":"00000000-0000-0000-0000-0000000000b2","user_principal_name":"Ben@contoso.com","display_name":null},"add":[],"remove":[],"adopt":[{"sku_id":"00000000-0000-0000-0000-0000000000b1","sku":"POWER_BI_PRO","owners":["analysts"]}],"usage_location":null,"before":[{"sku_id":"00000000-0000-0000-0000-0000000000b1","sku":"POWER_BI_PRO","disabled_plans":[],"disabled_plan_ids":[]}],"gains":[],"gain_ids":[],"loses":[],"lose_ids":[],"data_at_risk":[],"because":[],"wave":0,"held_by":[]}');
INSERT INTO operations (plan, position, key, user_id, principal_name, folded_name, kind, form) VALUES ('01M83T4CM30000000000000007', 0, 'sha256:5656565656565656565656565656565656565656565656565656565656565656', '00000000-0000-0000-0000-0000000000a1', 'Ana@contoso.com', 'ana@contoso.com', 'replace', '{"key":"sha256:5656565656565656565656565656565656565656565656565656565656565656","kind":"replace","user":{"id":"00000000-0000-0000-0000-0000000000a1","user_principal_name":"Ana@contoso.com","display_name":null},"add":[{"sku_id":"00000000-0000-0000-0000-0000000000e5","sku":"SPE_E5","disabled_plans":["YAMMER_ENTERPRISE"],"disabled_plan_ids":["00000000-0000-0000-0000-00000000009a"],"held":false,"owners":["engineering-e5"]}],"remove":[{"sku_id":"00000000-0000-0000-0000-0000000000e3","sku":"SPE_E3"}],"adopt":[],"usage_location":{"from":null,"to":"DE"},"before":[{"sku_id":"00000000-0000-0000-0000-0000000000e3","sku":"SPE_E3","disabled_plans":[],"disabled_plan_ids":[]}],"gains":[],"gain_ids":[],"loses":["YAMMER_ENTERPRISE"],"lose_ids":["00000000-0000-0000-0000-00000000009a"],"data_at_risk":["mailbox"],"because":[{"policy":"engineering-e5","at":"engineering.yaml:2","sku_id":"00000000-0000-0000-0000-0000000000e5","sku":"SPE_E5","reason":"matched","detail":"group Engineering"}],"wave":1,"held_by":["max_removals"]}');
INSERT INTO operations (plan, position, key, user_id, principal_name, folded_name, kind, form) VALUES ('01M83T4CM30000000000000007', 1, 'sha256:a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9', '00000000-0000-0000-0000-0000000000b2', 'Ben@contoso.com', 'ben@contoso.com', 'adopt', '{"key":"sha256:a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9a9","kind":"adopt","user":{"id":"00000000-0000-0000-0000-0000000000b2","user_principal_name":"Ben@contoso.com","display_name":null},"add":[],"remove":[],"adopt":[{"sku_id":"00000000-0000-0000-0000-0000000000b1","sku":"POWER_BI_PRO","owners":["analysts"]}],"usage_location":null,"before":[{"sku_id":"00000000-0000-0000-0000-0000000000b1","sku":"POWER_BI_PRO","disabled_plans":[],"disabled_plan_ids":[]}],"gains":[],"gain_ids":[],"loses":[],"lose_ids":[],"data_at_risk":[],"because":[],"wave":0,"held_by":[]}');
INSERT INTO operations (plan, position, key, user_id, principal_name, folded_name, kind, form) VALUES ('01M83T4CM40000000000000007', 0, 'sha256:5151515151515151515151515151515151515151515151515151515151515151', '00000000-0000-0000-0000-0000000000a1', 'Ana@contoso.com', 'ana@contoso.com', 'replace', '{"key":"sha256:5151515151515151515151515151515151515151515151515151515151515151","kind":"replace","user":{"id":"00000000-0000-0000-0000-0000000000a1","user_principal_name":"Ana@contoso.com","display_name":null},"add":[{"sku_id":"00000000-0000-0000-0000-0000000000e5","sku":"SPE_E5","disabled_plans":["YAMMER_ENTERPRISE"],"disabled_plan_ids":["00000000-0000-0000-0000-00000000009a"],"held":false,"owners":["engineering-e5"]}],"remove":[{"sku_id":"00000000-0000-0000-0000-0000000000e3","sku":"SPE_E3"}],"adopt":[],"usage_location":{"from":null,"to":"DE"},"before":[{"sku_id":"00000000-0000-0000-0000-0000000000e3","sku":"SPE_E3","disabled_plans":[],"disabled_plan_ids":[]}],"gains":[],"gain_ids":[],"loses":["YAMMER_ENTERPRISE"],"lose_ids":["00000000-0000-0000-0000-00000000009a"],"data_at_risk":["mailbox"],"because":[{"policy":"engineering-e5","at":"engineering.yaml:2","sku_id":"00000000-0000-0000-0000-0000000000e5","sku":"SPE_E5","reason":"matched","detail":"group Engineering"}],"wave":1,"held_by":["max_removals"]}');
INSERT INTO operations (plan, position, key, user_id, principal_name, folded_name, kind, form) VALUES ('01M83T4CM40000000000000007', 1, 'sha256:aeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeae', '00000000-0000-0000-0000-0000000000b2', 'Ben@contoso.com', 'ben@contoso.com', 'adopt', '{"key":"sha256:aeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeae","kind":"adopt","user":{"id":"00000000-0000-0000-0000-0000000000b2","user_principal_name":"Ben@contoso.com","display_name":null},"add":[],"remove":[],"adopt":[{"sku_id":"00000000-0000-0000-0000-0000000000b1","sku":"POWER_BI_PRO","owners":["analysts"]}],"usage_location":null,"before":[{"sku_id":"00000000-0000-0000-0000-0000000000b1","sku":"POWER_BI_PRO","disabled_plans":[],"disabled_plan_ids":[]}],"gains":[],"gain_ids":[],"loses":[],"lose_ids":[],"data_at_risk":[],"because":[],"wave":0,"held_by":[]}');
INSERT INTO operations (plan, position, key, user_id, principal_name, folded_name, kind, form) VALUES ('01M83T4CM50000000000000007', 0, 'sha256:5050505050505050505050505050505050505050505050505050505050505050', '00000000-0000-0000-0000-0000000000a1', 'Ana@contoso.com', 'ana@contoso.com', 'replace', '{"key":"sha256:5050505050505050505050505050505050505050505050505050505050505050","kind":"replace","user":{"id":"00000000-0000-0000-0000-0000000000a1","user_principal_name":"Ana@contoso.com","display_name":null},"add":[{"sku_id":"00000000-0000-0000-0000-0000000000e5","sku":"SPE_E5","disabled_plans":["YAMMER_ENTERPRISE"],"disabled_plan_ids":["00000000-0000-0000-0000-00000000009a"],"held":false,"owners":["engineering-e5"]}],"remove":[{"sku_id":"00000000-0000-0000-0000-0000000000e3","sku":"SPE_E3"}],"adopt":[],"usage_location":{"from":null,"to":"DE"},"before":[{"sku_id":"00000000-0000-0000-0000-0000000000e3","sku":"SPE_E3","disabled_plans":[],"disabled_plan_ids":[]}],"gains":[],"gain_ids":[],"loses":["YAMMER_ENTERPRISE"],"lose_ids":["00000000-0000-0000-0000-00000000009a"],"data_at_risk":["mailbox"],"because":[{"policy":"engineering-e5","at":"engineering.yaml:2","sku_id":"00000000-0000-0000-0000-0000000000e5","sku":"SPE_E5","reason":"matched","detail":"group Engineering"}],"wave":1,"held_by":["max_removals"]}');
INSERT INTO operations (plan, position, key, user_id, principal_name, folded_name, kind, form) VALUES ('01M83T4CM50000000000000007', 1, 'sha256:afafafafafafafafafafafafafafafafafafafafafafafafafafafafafafafaf', '00000000-0000-0000-0000-0000000000b2', 'Ben@contoso.com', 'ben@contoso.com', 'adopt', '{"key":"sha256:afafafafafafafafafafafafafafafafafafafafafafafafafafafafafafafaf","kind":"adopt","user":{"id":"00000000-0000-0000-0000-0000000000b2","user_principal_name":"Ben@contoso.com","display_name":null},"add":[],"remove":[],"adopt":[{"sku_id":"00000000-0000-0000-0000-0000000000b1","sku":"POWER_BI_PRO","owners":["analysts"]}],"usage_location":null,"before":[{"sku_id":"00000000-0000-0000-0000-0000000000b1","sku":"POWER_BI_PRO","disabled_plans":[],"disabled_plan_ids":[]}],"gains":[],"gain_ids":[],"loses":[],"lose_ids":[],"data_at_risk":[],"because":[],"wave":0,"held_by":[]}');
INSERT INTO operations (plan, position, key, user_id, principal_name, folded_name, kind, form) VALUES ('01M83T4CM60000000000000007', 0, 'sha256:5353535353535353535353535353535353535353535353535353535353535353', '00000000-0000-0000-0000-0000000000a1', 'Ana@contoso.com', 'ana@contoso.com', 'replace', '{"key":"sha256:5353535353535353535353535353535353535353535353535353535353535353","kind":"replace","user":{"id":"00000000-0000-0000-0000-0000000000a1","user_principal_name":"Ana@contoso.com","display_name":null},"add":[{"sku_id":"00000000-0000-0000-0000-0000000000e5","sku":"SPE_E5","disabled_plans":["YAMMER_ENTERPRISE"],"disabled_plan_ids":["00000000-0000-0000-0000-00000000009a"],"held":false,"owners":["engineering-e5"]}],"remove":[{"sku_id":"00000000-0000-0000-0000-0000000000e3","sku":"SPE_E3"}],"adopt":[],"usage_location":{"from":null,"to":"DE"},"before":[{"sku_id":"00000000-0000-0000-0000-0000000000e3","sku":"SPE_E3","disabled_plans":[],"disabled_plan_ids":[]}],"gains":[],"gain_ids":[],"loses":["YAMMER_ENTERPRISE"],"lose_ids":["00000000-0000-0000-0000-00000000009a"],"data_at_risk":["mailbox"],"because":[{"policy":"engineering-e5","at":"engineering.yaml:2","sku_id":"00000000-0000-0000-0000-0000000000e5","sku":"SPE_E5","reason":"matched","detail":"group Engineering"}],"wave":1,"held_by":["max_removals"]}');
INSERT INTO operations (plan, position, key, user_id, principal_name, folded_name, kind, form) VALUES ('01M83T4CM60000000000000007', 1, 'sha256:acacacacacacacacacacacacacacacacacacacacacacacacacacacacacacacac', '00000000-0000-0000-0000-0000000000b2', 'Ben@contoso.com', 'ben@contoso.com', 'adopt', '{"key":"sha256:acacacacacacacacacacacacacacacacacacacacacacacacacacacacacacacac","kind":"adopt","user":{"id":"00000000-0000-0000-0000-0000000000b2","user_principal_name":"Ben@contoso.com","display_name":null},"add":[],"remove":[],"adopt":[{"sku_id":"00000000-0000-0000-0000-0000000000b1","sku":"POWER_BI_PRO","owners":["analysts"]}],"usage_location":null,"before":[{"sku_id":"00000000-0000-0000-0000-0000000000b1","sku":"POWER_BI_PRO","disabled_plans":[],"disabled_plan_ids":[]}],"gains":[],"gain_ids":[],"loses":[],"lose_ids":[],"data_at_risk":[],"because":[],"wave":0,"held_by":[]}');
INSERT INTO decisions (number, plan, state, by, at, accepted, reason) VALUES (1, '01M83T4CM10000000000000007', 'approved', 'ana', 50000000000, '[]', NULL);
INSERT INTO decisions (number, plan, state, by, at, accepted, reason) VALUES (2, '01M83T4CM20000000000000007', 'approved', 'ana', 50000000000, '[]', NULL);
INSERT INTO decisions (number, plan, state, by, at, accepted, reason) VALUES (3, '01M83T4CM30000000000000007', 'rejected', 'ana', 50000000000, '[]', NULL);
INSERT INTO decisions (number, plan, state, by, at, accepted, reason) VALUES (4, '01M83T4CM60000000000000007', 'approved', 'ana', 50000000000, '[]', NULL);
INSERT INTO intents (number, plan, operation, at) VALUES (1, '01M83T4CM10000000000000007', 'sha256:5454545454545454545454545454545454545454545454545454545454545454', 60000000000);
INSERT INTO intents (number, plan, operation, at) VALUES (2, '01M83T4CM20000000000000007', 'sha256:5757575757575757575757575757575757575757575757575757575757575757', 70000000000);
INSERT INTO intents (number, plan, operation, at) VALUES (3, '01M83T4CM60000000000000007', 'sha256:5353535353535353535353535353535353535353535353535353535353535353', 80000000000);
INSERT INTO outcomes (number, plan, operation, kind, at, detail, code, request_id, recovered, chain) VALUES (1, '01M83T4CM10000000000000007', 'sha256:5454545454545454545454545454545454545454545454545454545454545454', 'done', 100000000000, 'as planned', NULL, 'r-1', 0, 'sha256:69227204e8490a2060cc6d9b1a4c7ca6e2725e0071255183f853a3608df34704');
INSERT INTO outcomes (number, plan, operation, kind, at, detail, code, request_id, recovered, chain) VALUES (2, '01M83T4CM10000000000000007', 'sha256:abababababababababababababababababababababababababababababababab', 'done', 100000000000, 'as planned', NULL, 'r-1', 0, 'sha256:352387241f48da24416685713276bc31af6a055ae61c3edddc74abe1049dd063');
INSERT INTO outcomes (number, plan, operation, kind, at, detail, code, request_id, recovered, chain) VALUES (3, '01M83T4CM20000000000000007', 'sha256:5757575757575757575757575757575757575757575757575757575757575757', 'refused', 100000000000, 'as planned', NULL, 'r-1', 0, 'sha256:b891a026110a4c331d6252f2806134c35fc6c3af1a222a675a4e7657ec895bcc');
INSERT INTO outcomes (number, plan, operation, kind, at, detail, code, request_id, recovered, chain) VALUES (4, '01M83T4CM20000000000000007', 'sha256:a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8a8', 'done', 100000000000, 'as planned', NULL, 'r-1', 0, 'sha256:3ea9292e025aeaded4d5d64973f9a3c5798a0ad9bbc13c9fbff1ce46498a6ba4');
INSERT INTO cycles (number, tenant, started_at, ended_at, plan, failure) VALUES (1, 'contoso', 90000000000, 95000000000, '01M83T4CM10000000000000007', NULL);
INSERT INTO cycles (number, tenant, started_at, ended_at, plan, failure) VALUES (2, 'contoso', 90000000000, 95000000000, NULL, 'the network is gone');
CREATE INDEX plans_of_tenant ON plans (tenant, number);
CREATE INDEX plans_by_state ON plans (tenant, state);
CREATE INDEX operations_of_user ON operations (user_id);
CREATE INDEX decisions_on_plan ON decisions (plan, number);
CREATE INDEX cycles_of_tenant ON cycles (tenant, number);
CREATE INDEX cycles_that_worked ON cycles (tenant, number) WHERE failure IS NULL;
CREATE TRIGGER plans_are_never_edited
BEFORE UPDATE OF number, id, tenant, created_at, expires_at, digest, operations, people, head
ON plans BEGIN SELECT RAISE(ABORT, 'a plan is never edited'); END;
CREATE TRIGGER plans_run_once BEFORE UPDATE OF state ON plans
WHEN OLD.state IN ('applied', 'partial', 'failed', 'rejected', 'superseded', 'expired')
BEGIN SELECT RAISE(ABORT, 'a plan that came to its end stays there'); END;
CREATE TRIGGER plans_are_never_deleted BEFORE DELETE ON plans
BEGIN SELECT RAISE(ABORT, 'a plan is never deleted'); END;
CREATE TRIGGER operations_are_never_edited BEFORE UPDATE ON operations
BEGIN SELECT RAISE(ABORT, 'an operation is never edited'); END;
CREATE TRIGGER operations_are_never_deleted BEFORE DELETE ON operations
BEGIN SELECT RAISE(ABORT, 'an operation is never deleted'); END;
CREATE TRIGGER operations_are_never_added BEFORE INSERT ON operations
WHEN NEW.position >= (SELECT operations FROM plans WHERE id = NEW.plan)
BEGIN SELECT RAISE(ABORT, 'a plan has as many operations as it was made with'); END;
CREATE TRIGGER decisions_are_never_edited BEFORE UPDATE ON decisions
BEGIN SELECT RAISE(ABORT, 'a decision is never edited'); END;
CREATE TRIGGER decisions_are_never_deleted BEFORE DELETE ON decisions
BEGIN SELECT RAISE(ABORT, 'a decision is never deleted'); END;
CREATE TRIGGER intents_are_never_edited BEFORE UPDATE ON intents
BEGIN SELECT RAISE(ABORT, 'an intent is never edited'); END;
CREATE TRIGGER intents_are_never_deleted BEFORE DELETE ON intents
BEGIN SELECT RAISE(ABORT, 'an intent is never deleted'); END;
CREATE TRIGGER outcomes_are_never_edited BEFORE UPDATE ON outcomes
BEGIN SELECT RAISE(ABORT, 'an outcome is never edited'); END;
CREATE TRIGGER outcomes_are_never_deleted BEFORE DELETE ON outcomes
BEGIN SELECT RAISE(ABORT, 'an outcome is never deleted'); END;
PRAGMA application_id = 1397047636;
PRAGMA user_version = 1;

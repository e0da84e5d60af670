-- The foundation, for SQLite. Same tables, names and order in both trees; migrations/README.md says how.

-- A person's espace, and every identifier he is or was known by.
CREATE TABLE profile (
    pt BIGINT NOT NULL PRIMARY KEY,
    space TEXT NOT NULL,
    record TEXT NOT NULL,
    ins_system TEXT NOT NULL,
    ins_value TEXT NOT NULL,
    family TEXT NOT NULL,
    given TEXT NOT NULL,
    all_given TEXT NOT NULL,
    gender TEXT NOT NULL,
    birth_on TEXT,
    birth_place TEXT NOT NULL,
    activation_email TEXT,
    assurance_maladie_email TEXT,
    postal_address TEXT,
    informed_on TEXT,
    closed_on TEXT,
    closure_motive TEXT,
    closure_reason TEXT,
    closure_author TEXT,
    version INTEGER NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE TABLE patient_identifier (
    system TEXT NOT NULL,
    value TEXT NOT NULL,
    pt BIGINT NOT NULL,
    PRIMARY KEY (system, value)
) WITHOUT ROWID;
CREATE TABLE relation (
    pt BIGINT NOT NULL,
    professional TEXT NOT NULL,
    kind TEXT NOT NULL,
    from_at BIGINT NOT NULL,
    until_at BIGINT,
    PRIMARY KEY (pt, professional, kind, from_at)
) WITHOUT ROWID;

-- Resources: the current version, the older ones, and what searches look at.
CREATE TABLE resource (
    pt BIGINT NOT NULL,
    kind SMALLINT NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    updated_at BIGINT NOT NULL,
    is_deleted BOOLEAN NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (pt, kind, id)
);
CREATE INDEX resource_by_update ON resource (pt, kind, is_deleted, updated_at, id);
CREATE TABLE resource_history (
    pt BIGINT NOT NULL,
    kind SMALLINT NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    updated_at BIGINT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (pt, kind, id, version)
);
CREATE TABLE search_index (
    pt BIGINT NOT NULL,
    kind SMALLINT NOT NULL,
    id BLOB NOT NULL,
    parameter INTEGER NOT NULL,
    value TEXT NOT NULL,
    low BIGINT NOT NULL,
    high BIGINT NOT NULL,
    PRIMARY KEY (pt, kind, id, parameter, value, low, high)
) WITHOUT ROWID;
CREATE INDEX search_index_by_value ON search_index (pt, kind, parameter, value, low, high, id);

-- Documents: what rules and duplicates look at, and the encrypted bytes.
CREATE TABLE document (
    pt BIGINT NOT NULL,
    id BLOB NOT NULL,
    binary_id BLOB NOT NULL,
    submission BLOB NOT NULL,
    unique_id BLOB NOT NULL,
    status TEXT NOT NULL,
    type_code TEXT NOT NULL,
    labels TEXT NOT NULL,
    persons TEXT NOT NULL,
    structures TEXT NOT NULL,
    sha1 BLOB NOT NULL,
    size BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (pt, id)
);
CREATE INDEX document_by_submission ON document (pt, submission);
CREATE INDEX document_by_binary ON document (pt, binary_id);
CREATE TABLE document_identifier (
    digest BLOB NOT NULL,
    pt BIGINT NOT NULL,
    id BLOB NOT NULL,
    PRIMARY KEY (digest, pt)
) WITHOUT ROWID;
CREATE TABLE blob (
    pt BIGINT NOT NULL,
    id BLOB NOT NULL,
    content_type TEXT NOT NULL,
    size BIGINT NOT NULL,
    sha1 BLOB NOT NULL,
    sha256 BLOB NOT NULL,
    wrapped_key BLOB NOT NULL,
    content BLOB,
    PRIMARY KEY (pt, id)
);
-- The orphan collector walks the bytes kept in files, and only those.
CREATE INDEX blob_in_file ON blob (pt, id) WHERE content IS NULL;

-- Accesses and notices.
CREATE TABLE first_access (
    pt BIGINT NOT NULL,
    accessor TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (pt, accessor)
) WITHOUT ROWID;
CREATE TABLE outbox (
    pt BIGINT NOT NULL,
    id BLOB NOT NULL,
    event_id BLOB NOT NULL,
    event TEXT NOT NULL,
    channel TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    next_at BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT,
    PRIMARY KEY (pt, id),
    UNIQUE (pt, event_id, channel)
);
CREATE INDEX outbox_by_state ON outbox (state, next_at, pt, id);

-- Traces: one hash chain per record (or calling structure), sealed by signature.
CREATE TABLE audit_chain (
    pt BIGINT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL,
    head BLOB NOT NULL,
    sealed BIGINT NOT NULL
);
CREATE TABLE audit (
    pt BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    id BLOB NOT NULL,
    at BIGINT NOT NULL,
    act TEXT NOT NULL,
    actor_person TEXT,
    actor_structure TEXT,
    body BLOB NOT NULL,
    previous BLOB NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (pt, sequence),
    UNIQUE (pt, id)
);
CREATE TABLE audit_unsealed (
    pt BIGINT NOT NULL PRIMARY KEY
);
CREATE TABLE audit_seal (
    id BIGINT NOT NULL PRIMARY KEY,
    sealed_at BIGINT NOT NULL,
    payload TEXT NOT NULL,
    signature BLOB NOT NULL
);

-- The directory and the enrolled software.
CREATE TABLE structure (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    sector TEXT NOT NULL
);
CREATE TABLE professional (
    id TEXT NOT NULL PRIMARY KEY,
    family TEXT NOT NULL,
    given TEXT NOT NULL,
    profession TEXT NOT NULL,
    speciality TEXT,
    may_regulate BOOLEAN NOT NULL
);
CREATE TABLE exercise (
    professional TEXT NOT NULL,
    structure TEXT NOT NULL,
    situation TEXT NOT NULL,
    PRIMARY KEY (professional, structure, situation)
) WITHOUT ROWID;
CREATE TABLE client (
    id TEXT NOT NULL PRIMARY KEY,
    structure TEXT NOT NULL,
    subject_dn TEXT UNIQUE,
    fingerprint TEXT UNIQUE,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    homologation TEXT,
    profiles TEXT NOT NULL,
    scopes TEXT NOT NULL,
    suspended_at BIGINT
);
CREATE TABLE assertion_used (
    structure TEXT NOT NULL,
    jti TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (structure, jti)
) WITHOUT ROWID;
CREATE INDEX assertion_used_by_expiry ON assertion_used (expires_at);

-- What the server must remember of itself.
CREATE TABLE setting (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- The existence tests of the web channel, which a feed must follow within minutes. Same table in both trees.
CREATE TABLE existence_step (
    person TEXT NOT NULL,
    patient BLOB NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (person, patient)
) WITHOUT ROWID;

-- Who acts in the name of whom on the patient side. Same table in both trees.
CREATE TABLE delegation (
    pt BIGINT NOT NULL,
    delegate BIGINT NOT NULL,
    kind TEXT NOT NULL,
    from_at BIGINT NOT NULL,
    until_at BIGINT,
    PRIMARY KEY (pt, delegate, kind, from_at)
);

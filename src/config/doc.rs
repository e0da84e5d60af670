//! One row per key of the configuration: `docs/CONFIGURATION.md` is made of it, and a test compares
//! it with the fields of [`super::Config`] (house rules §12).

/// A key of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The section.
    pub section: &'static str,
    /// The name within its section.
    pub name: &'static str,
    /// What holds where it is not set, as TOML; empty where nothing does.
    pub default: &'static str,
    /// Meaning and unit.
    pub meaning: &'static str,
    /// The first version that reads it.
    pub since: &'static str,
}

const fn key(section: &'static str, name: &'static str, default: &'static str, meaning: &'static str) -> Key {
    Key { section, name, default, meaning, since: "0.1.0" }
}

/// Every key, in the order of the structs.
pub const KEYS: &[Key] = &[
    key("server", "address", "\"127.0.0.1\"", "Address to bind. `dev` binds loopback only."),
    key("server", "port", "8443", "TCP port of professional software; 0 picks a free one."),
    key(
        "server",
        "origin",
        "",
        "External origin without path (`https://dmp.example.org`): issuer of tokens, base of links; `https://localhost:PORT` where absent.",
    ),
    key("server", "workers", "", "Threads that serve connections; the number of cores where absent."),
    key(
        "server",
        "certificates",
        "\"certs/dev\"",
        "Folder of `server.pem` (with the certificates above it), `server.key`, `ca.pem`, `crl.pem` and, optionally, `trusted/*.pem` (clients trusted by themselves). Watched.",
    ),
    key(
        "server",
        "body_idle_ms",
        "10000",
        "Longest time between two pieces of a request body, milliseconds; then 408.",
    ),
    key("server", "header_timeout_ms", "10000", "Longest time for the headers of a request, milliseconds; then 408."),
    key(
        "server",
        "header_limit_bytes",
        "65536",
        "Most bytes of names and values of the headers of a request; then 431. From 131072 on the HTTP library answers by itself.",
    ),
    key("server", "body_limit_bytes", "150000000", "Largest request body, bytes; then 413."),
    key(
        "server",
        "reload_every_ms",
        "2000",
        "How often the files of `certificates` are looked at for changes, milliseconds.",
    ),
    key("server", "connections_per_second", "20000", "New connections that one worker admits per second."),
    key("public", "port", "8444", "TCP port of the public pages. Read, not opened yet."),
    key("smtp", "port", "2525", "TCP port of MSSanté messages. Read, not opened yet."),
    key("operations", "port", "9090", "TCP port of health and metrics, plain HTTP on 127.0.0.1; 0 picks a free one."),
    key(
        "store",
        "url",
        "\"sqlite:data/espace.sqlite\"",
        "`sqlite:PATH` or `postgres://user:password@host/database`. May hold a password: give it by `ESPACE__STORE__URL_FILE`.",
    ),
    key("store", "readers", "", "Threads that read from SQLite; the number of cores where absent."),
    key("store", "pool", "8", "Connections to PostgreSQL, one thread each."),
    key("store", "queue", "1024", "Units of work that may wait; one more is answered 503."),
    key("store", "ticket_ms", "2000", "Longest wait for a storage thread, milliseconds; then 503."),
    key("store", "batch", "64", "Most units that share one commit of SQLite; 1 turns the group commit off."),
    key("store", "budget_ms", "250", "A unit that holds its transaction longer, milliseconds, is reported in the log."),
    key(
        "store",
        "tls_roots",
        "",
        "PEM file of the authorities that PostgreSQL's certificate must come from; TLS is then required.",
    ),
    key("documents", "folder", "\"data/documents\"", "Folder of large documents, encrypted."),
    key(
        "documents",
        "keys",
        "\"data/keys/master.keys\"",
        "Master keys, one `id base64key` a line, the current one first.",
    ),
    key("documents", "limit_bytes", "100000000", "Largest document, bytes; then 413."),
    key("conformance", "mode", "\"ci-sis\"", "`strict`, `ci-sis` or `lenient`: what is an error and what a warning."),
    key("conformance", "pdsm", "\"3.1.1\"", "`3.1.1` or `main`: which of the two PDSm texts of that number."),
    key(
        "conformance",
        "terminology",
        "\"data/terminology\"",
        "Folder of value sets and code systems that replace the committed ones: `.csv` and `.json`, put there by `espace import --terminology`, read at the start.",
    ),
    key(
        "conformance",
        "packages",
        "\"packages\"",
        "Folder of packages of definitions (`.tgz`, folders, loose JSON): profiles, value sets and code systems that come before our own. Read at the start, where it is there.",
    ),
    key(
        "conformance",
        "package",
        "[]",
        "Packages besides, each a `.tgz` or a folder; one that is not there is an error.",
    ),
    key("mhd", "folders", "true", "Whether folders are kept (ITI-65); else a bundle that holds one is refused."),
    key(
        "mhd",
        "fhir_document",
        "true",
        "Whether FHIR documents (a Bundle as the document of ITI-65) are kept; else a bundle that holds one is refused.",
    ),
    key("identity", "domain", "\"test\"", "`test` serves INS under .9, .10 and .11; `production` under .8 and .9."),
    key(
        "token",
        "keys",
        "\"data/keys\"",
        "Folder of `signing-es256.pem` and `next-es256.pem` (PKCS#8), retired public keys, `seal.der` and `pages.key`. Watched.",
    ),
    key(
        "token",
        "cnf",
        "\"compat\"",
        "`rfc`: RFC 8705 only; `compat`: also base64 of the hexadecimal digest, as ANS examples write it.",
    ),
    key("token", "ttl_seconds", "60", "Life of an access token where the client asks for none, seconds, at most 300."),
    key(
        "token",
        "issuers",
        "[]",
        "Tables `[[token.issuers]]`: whose subject tokens are exchanged. `issuer` (`iss`), `kind` (`psc` or `ihe`), `audience` (in `aud`, or `azp`), `jwks` (file, watched) or `jwks_inline` (JSON), `algorithms` (`[\"ES256\", \"RS256\"]`).",
    ),
    key("td02", "traits", "false", "Whether TD0.2 and the read of a Patient tell name, gender and birth date."),
    key("td02", "per_minute", "600", "Existence tests per structure and minute; then 429."),
    key(
        "search",
        "unknown",
        "\"ignore\"",
        "`ignore` an unknown search parameter with a warning, or `refuse` it with 400.",
    ),
    key(
        "search",
        "parameters",
        "",
        "Folder of SearchParameter resources (`*.json`) that are served besides those of R4, MHD and PDSm; after a change `espace migrate up` fills the index anew.",
    ),
    key(
        "rest",
        "post_conditional",
        "false",
        "Whether `POST Type?criteria` is a conditional create, as the header `If-None-Exist` makes it.",
    ),
    key("rest", "bundle_entries", "10000", "Most entries of a bundle posted to the base; then 413."),
    key(
        "rest",
        "bundle_bytes",
        "4194304",
        "Most bytes of such a bundle, the documents in it apart; then 413. A tree of it is several times as large while it is read.",
    ),
    key(
        "rules",
        "notify_every_access",
        "false",
        "Whether every access of a professional is notified, not only the first (MES-081).",
    ),
    key(
        "rules",
        "allow_override",
        "false",
        "Whether the tables of `override_dir` stand in for the committed ones; the CapabilityStatement says so.",
    ),
    key(
        "rules",
        "override_dir",
        "",
        "Folder of the operator's own `habilitation.csv` (same columns as `schemas/rules/habilitation.csv`): read and checked at the start, and by `espace rules check --dir`.",
    ),
    key("audit", "seal_every_seconds", "60", "How often the heads of the chains are signed, seconds."),
];

//! The papers say what the program does: generated pages, commands, paths, tables (house rules §12).
//!
//! `ESPACE_WRITE_DOCS=1 cargo test docs::` writes the generated pages anew.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use espace::config::Config;
use espace::config::doc::KEYS;
use espace::error::Code;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn paper(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Every paper of the project, by its path.
fn papers() -> BTreeMap<String, String> {
    let mut names: Vec<String> = ["README.md", "README.fr.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
        .map(str::to_owned)
        .into_iter()
        .chain(["conformance/README.md", "benches/README.md", "certs/README.md"].map(str::to_owned))
        .collect();
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "md") {
            names.push(format!("docs/{}", path.file_name().unwrap().to_str().unwrap()));
        }
    }
    names.into_iter().map(|name| (name.clone(), paper(&name))).collect()
}

/// A generated page must stand in the repository as it is generated.
fn pinned(name: &str, generated: &str) {
    if std::env::var_os("ESPACE_WRITE_DOCS").is_some() {
        fs::write(root().join(name), generated).unwrap();
    }
    let found = fs::read_to_string(root().join(name)).unwrap_or_default();
    assert!(found == generated, "{name} is not what the code says: run ESPACE_WRITE_DOCS=1 cargo test docs::");
}

#[test]
fn the_page_of_errors_is_the_catalogue() {
    let mut page = String::from(
        "# Errors\n\nGenerated from `src/error/catalogue.rs` by `tests/docs.rs`. What each refusal lets its reader learn:\n\
         [REFUSALS.md](REFUSALS.md).\n\n\
         *code* stands in `OperationOutcome.issue.details.coding` under `<base>/CodeSystem/mes-error`, *XDS* beside it under\n\
         `urn:ihe:iti:xds`; *issue* is `issue.code`; *trace* is `AuditEvent.outcome` of the refusal. The text is French, or English\n\
         where `Accept-Language` prefers `en` to `fr`.\n\n\
         | code | status | issue | XDS | trace | French | English |\n|---|---|---|---|---|---|---|\n",
    );
    let mut codes: Vec<_> = Code::ALL.iter().map(|code| code.row()).collect();
    codes.sort_by_key(|row| (row.status, row.name));
    for row in codes {
        let xds = row.xds.unwrap_or("–");
        let (issue, trace) = (row.issue.code(), row.audit.code());
        writeln!(
            page,
            "| `{}` | {} | {issue} | {xds} | {trace} | {} | {} |",
            row.name, row.status, row.french, row.english
        )
        .unwrap();
    }
    pinned("docs/ERRORS.md", &page);
}

#[test]
fn the_page_of_the_configuration_is_the_table_of_keys() {
    let mut page = String::from(
        "# Configuration\n\nGenerated from `src/config/doc.rs` by `tests/docs.rs`. How a server is set up with it:\n\
         [OPERATIONS.md](OPERATIONS.md).\n\n\
         The later source wins: the defaults below, the file of `--config` (TOML), the environment `ESPACE__SECTION__KEY`, and the\n\
         environment `ESPACE__SECTION__KEY_FILE`, which names a file that holds the value (for secrets). An unknown key is refused.\n\
         `espace dev` reads no file, and puts database, documents, keys and certificates under `--state` and `--certs`.\n",
    );
    let mut section = "";
    for key in KEYS {
        if key.section != section {
            section = key.section;
            write!(page, "\n## `[{section}]`\n\n| key | default | meaning | since |\n|---|---|---|---|\n").unwrap();
        }
        let default = if key.default.is_empty() { "–".to_owned() } else { format!("`{}`", key.default) };
        writeln!(page, "| `{}` | {default} | {} | {} |", key.name, key.meaning, key.since).unwrap();
    }
    pinned("docs/CONFIGURATION.md", &page);
}

/// The names that serde would have accepted instead of one that does not exist.
fn accepted(toml: &str) -> BTreeSet<String> {
    let message = toml::from_str::<Config>(toml).unwrap_err().message().to_owned();
    let (_, expected) = message.split_once("expected").unwrap_or_else(|| panic!("{message}"));
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_key_of_the_configuration_has_its_row_and_its_default() {
    let sections = accepted("no_such_section = 1");
    let rows = |section: &str| -> BTreeSet<String> {
        KEYS.iter().filter(|key| key.section == section).map(|key| key.name.to_owned()).collect()
    };
    assert_eq!(sections, KEYS.iter().map(|key| key.section.to_owned()).collect::<BTreeSet<_>>());
    for section in &sections {
        assert_eq!(accepted(&format!("[{section}]\nno_such_key = 1")), rows(section), "[{section}]");
    }
    let defaults: String = KEYS
        .iter()
        .filter(|key| !key.default.is_empty())
        .fold(String::new(), |text, key| format!("{text}{}.{} = {}\n", key.section, key.name, key.default));
    let told: Config = toml::from_str(&defaults).unwrap();
    assert_eq!(told.store.url, Config::default().store.url);
    assert_eq!(format!("{told:?}"), format!("{:?}", Config::default()));
}

/// What a command answers to `--help`.
fn help(command: &[&str]) -> String {
    let answer = Command::new(env!("CARGO_BIN_EXE_espace")).args(command).arg("--help").output().unwrap();
    assert!(answer.status.success(), "{command:?} --help: {}", String::from_utf8_lossy(&answer.stderr));
    String::from_utf8(answer.stdout).unwrap()
}

/// The commands and choices that a help lists: the first word of each indented line, without `- `.
fn listed(help: &str) -> BTreeSet<String> {
    let lines = help.lines().filter(|line| line.starts_with("  "));
    let words = lines.filter_map(|line| line.trim().trim_start_matches("- ").split_whitespace().next());
    words.map(|word| word.trim_end_matches(':').to_owned()).collect()
}

/// Every `espace ...` written as code in a text.
fn quoted_commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut is_block, mut prose) = (false, String::new());
    for line in text.lines() {
        if line.starts_with("```") {
            is_block = !is_block;
        } else if is_block {
            let line = line.replace("target/release/espace", "espace").replace("$(espace", "\nespace");
            let calls = line.replace("<(espace", "\nespace").replace("cargo run --release -- ", "espace ");
            found.extend(calls.lines().filter(|call| call.starts_with("espace ")).map(str::to_owned));
        } else {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    let spans = prose.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " "));
    found.extend(spans.filter(|span| span.starts_with("espace ")));
    found.iter().map(|call| call.split(['#', ')']).next().unwrap_or_default().trim().to_owned()).collect()
}

/// What is wrong with a command as it is written, if anything.
fn wrong(call: &str, helps: &mut BTreeMap<Vec<String>, String>) -> Option<String> {
    let mut words = call.split_whitespace().skip(1).peekable();
    let mut command: Vec<String> = Vec::new();
    let mut told = helps.entry(Vec::new()).or_insert_with(|| help(&[])).clone();
    // A command that comes later takes anything, and says that it comes later.
    let is_later = |told: &str| listed(told) == BTreeSet::from(["-h,".to_owned()]);
    while let Some(word) = words.next_if(|word| !word.starts_with('-') && command.len() < 2) {
        let word = word.trim_matches(['[', ']', '.', '…']);
        let choices: Vec<&str> = word.split('|').collect();
        let known = listed(&told);
        if let Some(unknown) = choices.iter().find(|choice| !known.contains(**choice)) {
            let is_plain = unknown.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-');
            return is_plain.then(|| format!("`{call}`: there is no {unknown}"));
        }
        command.push(choices.first().unwrap_or(&"").to_string());
        let parts: Vec<&str> = command.iter().map(String::as_str).collect();
        if !told.contains("Possible values") {
            told = helps.entry(command.clone()).or_insert_with(|| help(&parts)).clone();
        }
        if is_later(&told) {
            return None;
        }
    }
    let flags = words.filter(|word| word.starts_with("--"));
    let unknown = flags.map(|flag| flag.split('=').next().unwrap_or_default()).find(|flag| !told.contains(*flag));
    unknown.map(|flag| format!("`{call}`: there is no {flag}"))
}

#[test]
fn the_papers_name_only_commands_and_options_that_exist() {
    let mut helps = BTreeMap::new();
    let mut faults = Vec::new();
    let mut seen = 0;
    for (name, text) in papers() {
        for call in quoted_commands(&text) {
            seen += 1;
            faults.extend(wrong(&call, &mut helps).map(|fault| format!("{name}: {fault}")));
        }
    }
    assert!(seen > 20, "only {seen} commands were found in the papers");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(wrong("espace audit verifie", &mut helps).is_some());
    assert!(wrong("espace audit verify --quick", &mut helps).is_some());
    assert!(wrong("espace demo bundle --patient oppose", &mut helps).is_none());
    assert!(wrong("espace client list|vanish", &mut helps).is_some());
}

/// Every Rust source, joined: what identifiers are looked for in.
fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            text.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

fn has_word(text: &str, word: &str) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let ends_in_part = |before: &str| before.chars().next_back().is_some_and(is_part);
    let begins_with_part = |after: &str| after.chars().next().is_some_and(is_part);
    text.match_indices(word).any(|(at, _)| {
        let (before, rest) = text.split_at(at);
        !ends_in_part(before) && !rest.strip_prefix(word).is_some_and(begins_with_part)
    })
}

/// Follows `room::module::item` into `src/`; what does not lead anywhere is told.
fn dangling(path: &str) -> Option<String> {
    let mut segments = path.split("::").peekable();
    let mut place = root().join("src");
    while let Some(segment) = segments.peek() {
        if place.join(segment).is_dir() {
            place = place.join(segment);
        } else if place.join(format!("{segment}.rs")).is_file() {
            place = place.join(format!("{segment}.rs"));
        } else {
            break;
        }
        segments.next();
    }
    if place == root().join("src") {
        return Some(format!("`{path}`: no such room"));
    }
    let mut text = String::new();
    if place.is_dir() {
        sources(&place, &mut text);
    } else {
        text = fs::read_to_string(&place).unwrap();
    }
    let missing = segments.find(|segment| !has_word(&text, segment));
    missing.map(|segment| format!("`{path}`: {} has no {segment}", place.display()))
}

fn spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn what_the_papers_name_in_the_code_is_there() {
    let rooms: BTreeSet<String> = fs::read_dir(root().join("src"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let is_path = |span: &&str| {
        span.split_once("::").is_some_and(|(room, _)| rooms.contains(room))
            && span.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == ':')
    };
    let mut faults = Vec::new();
    let mut seen = 0;
    for name in ["docs/ARCHITECTURE.md", "docs/ADDING-AN-OPERATION.md", "docs/API.md", "docs/LOGGING.md"] {
        let text = paper(name);
        let prose = text.split("<!-- imagined -->").next().unwrap();
        for path in spans(prose).filter(is_path).filter(|path| !path.starts_with("cli::bench")) {
            seen += 1;
            faults.extend(dangling(path).map(|fault| format!("{name}: {fault}")));
        }
    }
    assert!(seen > 20, "only {seen} paths were found");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(dangling("ops::document::provide::no_such_function").is_some());
    assert!(dangling("nowhere::at_all").is_some());
}

#[test]
fn every_name_of_the_glossary_stands_in_the_code() {
    let mut code = String::new();
    sources(&root().join("src"), &mut code);
    let glossary = paper("docs/GLOSSARY.md");
    let rows = glossary.lines().filter(|line| line.starts_with("| ") && line.matches('|').count() == 4);
    let last = rows.filter_map(|row| row.split('|').nth(3));
    let mut missing = Vec::new();
    for name in last.flat_map(|cell| spans(cell).collect::<Vec<_>>()) {
        let words = name.split(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != '-');
        missing.extend(words.filter(|word| word.len() > 1 && !has_word(&code, word)).map(|word| (name, word)));
    }
    missing.retain(|(_, word)| word.chars().any(char::is_alphabetic));
    assert!(missing.is_empty(), "{missing:?}");
}

/// Tables of a migration with the columns of their primary keys.
fn primary_keys(sql: &str) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for table in sql.split("CREATE TABLE ").skip(1) {
        let (name, rest) = table.split_once('(').unwrap();
        let body = rest.split(';').next().unwrap();
        let columns = |list: &str| list.split(',').map(|column| column.trim().to_owned()).collect();
        let keys: Vec<String> = if let Some((_, list)) = body.split_once("PRIMARY KEY (") {
            columns(list.split(')').next().unwrap())
        } else {
            let line = body.lines().find(|line| line.contains("PRIMARY KEY")).unwrap();
            columns(line.split_whitespace().next().unwrap())
        };
        found.insert(name.trim().to_owned(), keys);
    }
    found
}

#[test]
fn the_data_model_names_every_table_with_its_key() {
    let told = paper("docs/DATA-MODEL.md");
    let rows = told.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let told: BTreeMap<String, Vec<String>> = rows
        .map(|(name, rest)| {
            let key = rest.split(" | ").next().unwrap();
            (name.to_owned(), key.split(',').map(|column| column.trim().to_owned()).collect())
        })
        .collect();
    let mut steps: Vec<_> = fs::read_dir(root().join("migrations/sqlite")).unwrap().map(|step| step.unwrap()).collect();
    steps.sort_by_key(fs::DirEntry::file_name);
    let made = steps.iter().map(|step| fs::read_to_string(step.path().join("up.sql")).unwrap());
    assert_eq!(told, primary_keys(&made.collect::<String>()));
}

#[test]
fn the_page_of_rules_names_every_table_of_the_law() {
    let page = paper("docs/RULES.md");
    let folder = fs::read_dir(root().join("schemas/rules")).unwrap();
    let tables = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_table = |name: &str| Path::new(name).extension().is_some_and(|ending| ending == "csv");
    let missing: Vec<_> = tables.filter(|name| is_table(name) && !page.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let named = spans(&page).filter(|span| is_table(span));
    let gone: Vec<_> = named.filter(|name| !root().join("schemas/rules").join(name).is_file()).collect();
    assert!(gone.is_empty(), "{gone:?}");
}

#[test]
fn the_page_of_the_interface_names_every_route() {
    let page = paper("docs/API.md");
    let code = paper("src/http/routes.rs");
    let told = |path: &str| page.contains(&format!("`{path}`"));
    // A path stands in the code as a whole, or within its scope.
    let paths: Vec<&str> = code.split('"').skip(1).step_by(2).filter(|text| text.starts_with('/')).collect();
    assert!(paths.len() > 15, "only {} paths were found", paths.len());
    let missing: Vec<_> = paths
        .into_iter()
        .filter(|path| !["", "/fhir", "/oauth2", "/.well-known"].iter().any(|scope| told(&format!("{scope}{path}"))))
        .filter(|path| !["/fhir", "/oauth2", "/.well-known"].contains(path))
        .collect();
    assert!(missing.is_empty(), "docs/API.md does not name {missing:?}");
}

//! Holds the code to docs/ARCHITECTURE.md: who imports whom, which crate stays behind which wall,
//! how long a file may be and what its first line says (CONTRIBUTING.md, "Files").
#![cfg(test)]

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use source::Named;

const SRC_LINES: usize = 600;
const TEST_LINES: usize = 800;
const DRAWERS: [&str; 5] = ["utils", "common", "helpers", "misc", "types"];

/// What a room may import.
#[derive(Debug, PartialEq, Eq)]
enum Leave {
    /// These rooms, or these parts of a room.
    Only(Vec<Vec<String>>),
    /// Every room but these.
    AllBut(Vec<String>),
}

impl Leave {
    fn allows(&self, path: &[String]) -> bool {
        match self {
            Self::Only(places) => places.iter().any(|place| path.starts_with(place)),
            Self::AllBut(rooms) => path.first().is_none_or(|room| !rooms.contains(room)),
        }
    }
}

struct Plan {
    rooms: BTreeMap<String, Leave>,
    walls: Vec<(Vec<String>, Vec<Vec<String>>)>,
}

fn words(path: &str) -> Vec<String> {
    path.split("::").map(str::to_owned).collect()
}

fn list(cell: &str) -> Vec<&str> {
    cell.split(',').map(|word| word.trim().trim_matches('`')).filter(|word| !word.is_empty()).collect()
}

/// The rows of the table that follows `<!-- table: NAME -->`.
fn rows(page: &str, name: &str) -> Vec<(String, String)> {
    let mark = format!("<!-- table: {name} -->");
    page.lines()
        .skip_while(|line| line.trim() != mark)
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            let mut cells = line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned());
            (cells.next().unwrap_or_default(), cells.next().unwrap_or_default())
        })
        .collect()
}

impl Plan {
    fn parse(page: &str) -> Self {
        let rooms = rows(page, "imports").into_iter().map(|(room, cell)| (room, Self::leave(&cell))).collect();
        let walls = rows(page, "walls")
            .into_iter()
            .map(|(outside, cell)| (words(&outside), list(&cell).into_iter().map(words).collect()))
            .collect();
        Self { rooms, walls }
    }

    fn leave(cell: &str) -> Leave {
        if cell == "nothing" {
            return Leave::Only(Vec::new());
        }
        match cell.strip_prefix("anything") {
            Some(rest) => {
                Leave::AllBut(list(rest.trim().trim_start_matches("but ")).into_iter().map(str::to_owned).collect())
            }
            None => Leave::Only(list(cell).into_iter().map(words).collect()),
        }
    }

    /// What the module `module` does against the plan: each kind of fault once, where it first occurs.
    fn judge(&self, module: &[String], found: &[Named]) -> Vec<String> {
        let mut wrong: BTreeMap<String, String> = BTreeMap::new();
        for named in found {
            let shown = named.path.join("::");
            for why in self.faults(module, &named.path) {
                wrong.entry(why.clone()).or_insert_with(|| format!("{}: `{shown}`: {why}", named.line));
            }
        }
        wrong.into_values().collect()
    }

    fn faults(&self, module: &[String], path: &[String]) -> Vec<String> {
        if let [root, inner @ ..] = path
            && root == "crate"
        {
            let is_witness = path.ends_with(&words("Permit::new")) && !module.starts_with(&words("access"));
            let made = is_witness.then(|| "only `access` makes a Permit".to_owned());
            return self.misplaced(module, inner).into_iter().chain(made).collect();
        }
        self.walls
            .iter()
            .filter(|(outside, places)| {
                path.starts_with(outside) && !places.iter().any(|place| module.starts_with(place))
            })
            .map(|(outside, _)| format!("`{}` stays behind its wall", outside.join("::")))
            .collect()
    }

    fn misplaced(&self, module: &[String], inner: &[String]) -> Option<String> {
        let (room, target) = (module.first()?, inner.first()?);
        if room == target {
            return None;
        }
        if !self.rooms.contains_key(target) {
            return Some(format!("`{target}` is no room of docs/ARCHITECTURE.md"));
        }
        let leave = self.rooms.get(room)?;
        (!leave.allows(inner)).then(|| format!("`{room}` may not import this of `{target}`"))
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn plan() -> Plan {
    Plan::parse(&fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap())
}

/// Every Rust file below `folder`, as a path from the package's root.
fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![root().join(folder)];
    while let Some(folder) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// `src/http/tls/mod.rs` is the module `http::tls`; `src/lib.rs` is the module `lib`.
fn module_of(file: &Path) -> Vec<String> {
    let mut module: Vec<String> =
        file.with_extension("").iter().skip(1).map(|part| part.to_str().unwrap().to_owned()).collect();
    if module.last().is_some_and(|last| last == "mod") {
        module.pop();
    }
    module
}

fn read(file: &Path) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

fn assert_none(what: &str, wrong: &[String]) {
    assert!(wrong.is_empty(), "{what}:\n  {}", wrong.join("\n  "));
}

#[test]
fn every_room_imports_only_what_the_table_allows() {
    let plan = plan();
    let mut wrong = Vec::new();
    for file in rust_files("src") {
        let module = module_of(&file);
        let (found, _) = source::read(&read(&file), &module);
        wrong.extend(plan.judge(&module, &found).into_iter().map(|what| format!("{}:{what}", file.display())));
    }
    assert_none("imports against docs/ARCHITECTURE.md", &wrong);
}

#[test]
fn the_table_lists_exactly_the_rooms_that_exist() {
    let listed: BTreeSet<String> = plan().rooms.into_keys().collect();
    let existing: BTreeSet<String> = rust_files("src")
        .iter()
        .filter_map(|file| module_of(file).into_iter().next())
        .filter(|room| room != "lib")
        .collect();
    assert_eq!(listed, existing);
}

#[test]
fn the_rooms_that_do_not_import_anything_form_no_circle() {
    let plan = plan();
    let mut left: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (room, leave) in &plan.rooms {
        if let Leave::Only(places) = leave {
            left.insert(room, places.iter().filter_map(|place| place.first().map(String::as_str)).collect());
        }
    }
    loop {
        let open: BTreeSet<&str> = left.keys().copied().collect();
        let Some(free) = left.iter().find(|(_, needs)| needs.is_disjoint(&open)).map(|(room, _)| *room) else { break };
        left.remove(free);
    }
    assert!(left.is_empty(), "these rooms import each other in a circle: {:?}", left.keys());
}

#[test]
fn no_file_is_longer_than_its_limit() {
    let mut wrong = Vec::new();
    for (folder, limit) in [("src", SRC_LINES), ("schemas", SRC_LINES), ("tests", TEST_LINES), ("benches", TEST_LINES)]
    {
        for file in rust_files(folder) {
            let lines = read(&file).lines().count();
            if lines > limit {
                wrong.push(format!("{}: {lines} lines, at most {limit}", file.display()));
            }
        }
    }
    assert_none("files too long", &wrong);
}

#[test]
fn every_file_says_in_its_first_line_what_it_is() {
    let silent: Vec<String> = ["src", "schemas", "tests", "benches"]
        .into_iter()
        .flat_map(rust_files)
        .filter(|file| !read(file).lines().next().is_some_and(|line| line.starts_with("//! ")))
        .map(|file| file.display().to_string())
        .collect();
    assert_none("files without a `//!` first line", &silent);
}

#[test]
fn no_module_is_a_drawer() {
    let mut wrong = Vec::new();
    for file in ["src", "schemas", "tests", "benches"].into_iter().flat_map(rust_files) {
        let module = module_of(&file);
        let (_, inline) = source::read(&read(&file), &module);
        let drawer = module.iter().chain(&inline).find(|name| DRAWERS.contains(&name.as_str()));
        wrong.extend(drawer.map(|name| format!("{}: module `{name}`", file.display())));
    }
    assert_none("modules named after nothing", &wrong);
}

#[test]
fn every_relative_link_of_the_papers_leads_to_a_file() {
    let mut papers = Vec::new();
    for folder in ["", "docs", "docs/decisions", "conformance", "benches", "certs", "migrations"] {
        let Ok(entries) = fs::read_dir(root().join(folder)) else { continue };
        papers.extend(
            entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "md")),
        );
    }
    let mut broken = Vec::new();
    for paper in papers {
        let text = fs::read_to_string(&paper).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            let is_outside = target.contains("://") || file.is_empty();
            if !is_outside && !paper.parent().unwrap().join(file).exists() {
                broken.push(format!("{}: {target}", paper.display()));
            }
        }
    }
    assert_none("links that lead nowhere", &broken);
}

const PLAN: &str = "
<!-- table: imports -->
| room | may import |
|---|---|
| access | ids |
| ids | nothing |
| store | `ids`, `access::permit` |
| main | anything but `ids` |

<!-- table: walls -->
| crate | only in |
|---|---|
| `diesel` | `store` |
| `std::thread::spawn` | `store`, `main::pool` |
";

fn judged(module: &str, code: &str) -> Vec<String> {
    let module = words(module);
    Plan::parse(PLAN).judge(&module, &source::read(code, &module).0)
}

#[test]
fn a_forbidden_import_is_found_however_it_is_written() {
    for code in [
        "use crate::store::Store;",
        "use crate::{ids::Ins, store::{self, Tx}};",
        "fn f() { let s = crate::store::open(); }",
        "use super::store::Tx;",
        "mod tests { use super::super::store::Tx; }",
        "pub(crate) use crate::store as shelf;",
        "use crate::nowhere::X;",
    ] {
        assert!(!judged("access", code).is_empty(), "{code}");
    }
    assert_eq!(judged("store::sqlite", "use crate::access::decide::Facts;").len(), 1);
    assert_eq!(judged("main", "use crate::ids;").len(), 1);
}

#[test]
fn an_allowed_import_and_mere_words_are_let_through() {
    for code in [
        "use crate::ids::{Ins, Oid};",
        "// use crate::store;\n/* crate::store::x /* diesel::y */ */ use crate::ids;",
        "const A: &str = \"crate::store::x\"; const B: &str = r#\"use \"diesel\"::x\"#; const C: char = '\\'';",
        "fn f<'a>(x: &'a str) -> char { 'x' }",
        "pub(in crate::access) fn g() {}",
        "use super::permit::Permit; mod inner { use super::super::decide; }",
    ] {
        assert_eq!(judged("access::decide", code), Vec::<String>::new(), "{code}");
    }
    assert_eq!(judged("store", "use crate::access::permit::Permit;"), Vec::<String>::new());
}

#[test]
fn a_crate_outside_its_wall_is_found() {
    assert_eq!(judged("access", "use diesel::prelude::*;").len(), 1);
    assert_eq!(judged("access", "#[derive(diesel::Queryable)] struct Row;").len(), 1);
    assert_eq!(judged("access", "use std::thread; fn f() { thread::spawn(g); }").len(), 1);
    assert_eq!(judged("access", "use std::thread; fn f() { thread::available_parallelism(); }").len(), 0);
    assert_eq!(judged("main::pool", "fn f() { ::std::thread::spawn(g); }").len(), 0);
    assert_eq!(judged("store::sqlite", "use diesel::sqlite::SqliteConnection;").len(), 0);
}

#[test]
fn a_permit_made_outside_access_is_found() {
    let code = "use crate::access::permit::Permit; fn f() { Permit::new(key, action, rule); }";
    assert_eq!(judged("store", code).len(), 1);
    assert_eq!(judged("access::decide", code).len(), 0);
}

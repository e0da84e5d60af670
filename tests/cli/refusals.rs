//! Exit codes of commands that cannot do what they are told: 1 failure, 2 usage, 3 problems found.

use crate::support::db::{Db, block_on};
use crate::support::process::Home;

/// Runs a command: its exit code and its complaint; nothing is printed on standard output.
fn refused(home: &Home, arguments: &str) -> (i32, String) {
    let ended = home.run(arguments);
    assert_eq!(ended.out, "", "{arguments}");
    (ended.code, ended.err)
}

#[test]
fn a_command_that_comes_later_says_so_and_exits_2() {
    let home = Home::without_pki();
    for command in ["worker", "report --month 2026-11", "letters export --out letters", "outbox retry"] {
        let (code, said) = refused(&home, command);
        assert_eq!(
            (code, said.contains("comes with") && said.contains("CHANGELOG.md")),
            (2, true),
            "{command}: {said}"
        );
    }
}

#[test]
fn a_command_called_wrongly_exits_2_and_changes_nothing() {
    let home = Home::without_pki();
    for (command, reason) in [
        ("", "Usage: espace"),
        ("devel", "unrecognized subcommand"),
        ("serve", "--config"),
        ("import", "<FILE>"),
        ("import directory.ndjson --terminology set.csv", "cannot be used with"),
        ("dev --clock yesterday", "RFC 3339"),
        ("token", "--as"),
        ("token --as nobody", "no persona is called nobody"),
        ("token --as dr-martin --patient nobody", "no persona is called nobody"),
        ("token --as dr-martin --ttl soon", "60s"),
        ("demo bundle --patient nobody", "no persona is called nobody"),
        ("demo bundle --as nobody", "no persona is called nobody"),
        ("client add x --structure nonsense --certificate c --name n --software-version 1", "--profile"),
        ("migrate sideways", "sideways"),
        ("rules guess", "guess"),
    ] {
        let (code, said) = refused(&home, command);
        assert_eq!((code, said.contains(reason)), (2, true), "{command}: {said}");
    }
    let home = home.with("ESPACE__SERVER__ADDRESS", "0.0.0.0");
    assert_eq!(refused(&home, "dev"), (2, "espace: `espace dev` binds loopback only, not 0.0.0.0\n".to_owned()));
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn a_database_elsewhere_is_not_reset_with_the_state_folder() {
    let home = Home::without_pki();
    std::fs::create_dir(home.state()).unwrap();
    std::fs::write(home.state().join("espace.sqlite"), "").unwrap();
    let home = home.with("ESPACE__STORE__URL", "postgres://localhost/espace");
    let (code, said) = refused(&home, "dev --reset");
    assert_eq!((code, said.contains("names another one")), (2, true), "{said}");
    assert!(home.state().join("espace.sqlite").is_file());
}

#[test]
fn a_command_that_fails_exits_1_and_says_why() {
    let home = Home::new();
    for (command, reason) in [
        ("serve --config absent.toml", "absent.toml"),
        ("token --as dr-martin --url https://localhost:1 --certs certs", "https://localhost:1"),
        ("token --as dr-martin --certs absent", "absent"),
        ("audit verify", "the database"),
        ("outbox list", "the database"),
        ("client show dev-cabinet", "the database"),
    ] {
        let (code, said) = refused(&home, command);
        assert_eq!((code, said.contains(reason)), (1, true), "{command}: {said}");
    }
    assert!(!home.state().exists(), "a command that looks made something");
}

#[test]
fn the_tables_are_printed_and_checked() {
    let home = Home::without_pki();
    let (printed, checked) = (home.run("rules print"), home.run("rules check"));
    assert_eq!((printed.code, printed.out == espace::rules::print::print()), (0, true));
    assert_eq!((checked.code, checked.out.as_str()), (0, "every cell is covered by exactly one row\n"));
    // An operator's own matrix is checked by the same command.
    let folder = crate::support::pki::Scratch::empty();
    let check = format!("rules check --dir {}", folder.path().display());
    assert_eq!(home.run(&check).code, 1, "there is no file");
    let row = "profession,type,right,verdict,why,rule\n10,*,read,permit,ours,Arr2023\n";
    folder.write("habilitation.csv", row);
    assert_eq!(home.run(&check).code, 0);
    folder.write("habilitation.csv", row.replace("permit", "perhaps"));
    let refused = home.run(&check);
    assert_eq!((refused.code, refused.out.contains("habilitation.csv")), (3, true), "{refused:?}");
}

#[test]
fn a_schema_that_is_not_the_one_known_exits_3() {
    let home = Home::without_pki();
    std::fs::create_dir(home.state()).unwrap();
    let url = format!("sqlite:{}", home.state().join("espace.sqlite").display());
    let home = home.with("ESPACE__STORE__URL", &url);
    let (status, check) = (home.run("migrate status"), home.run("migrate check"));
    assert_eq!((status.code, status.out.lines().next()), (0, Some("applied: ")), "{status:?}");
    assert_eq!(check.code, 3, "{check:?}");
    assert!(!home.state().join("espace.sqlite").exists(), "to ask made a database");
    assert_eq!((home.run("migrate").code, home.run("migrate check").code), (0, 0));
    block_on(async {
        let db = Db::elsewhere(&url);
        db.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')").await;
    });
    assert_eq!((home.run("migrate status").code, home.run("migrate check").code), (0, 3));
    let (code, said) = refused(&home, "migrate up");
    assert_eq!((code, said.contains("later release")), (1, true), "{said}");
}

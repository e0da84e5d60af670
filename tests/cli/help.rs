//! `--help` of the program and of each command, as it is printed.

use crate::support::process::Home;

/// Every command with its own commands.
const COMMANDS: [(&str, &[&str]); 19] = [
    ("dev", &[]),
    ("serve", &[]),
    ("worker", &[]),
    ("migrate", &[]),
    ("keys", &["init", "list", "rotate", "retire", "rewrap"]),
    ("pki", &["dev"]),
    ("token", &[]),
    ("client", &["add", "list", "show", "suspend", "resume"]),
    ("demo", &["bundle"]),
    ("conformance", &["run", "list"]),
    ("validate", &[]),
    ("import", &[]),
    ("report", &[]),
    ("rules", &[]),
    ("audit", &["verify", "export"]),
    ("outbox", &["list", "retry"]),
    ("letters", &[]),
    ("bench", &["run", "fill", "control", "parts"]),
    ("doctor", &[]),
];

fn help(home: &Home, command: &str) -> String {
    let ended = home.run(&format!("{command} --help"));
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{command}");
    ended.out
}

#[test]
fn the_help_of_the_program() {
    let text = help(&Home::without_pki(), "");
    insta::assert_snapshot!(text);
    let listed = text.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let listed: Vec<_> = listed.map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(listed, COMMANDS.map(|(command, _)| command), "a command has no help here");
}

#[test]
fn the_help_of_each_command() {
    let home = Home::without_pki();
    for (command, own) in COMMANDS {
        let mut text = help(&home, command);
        for name in own {
            let more = help(&home, &format!("{command} {name}"));
            text = format!("{text}\n-- espace {command} {name}\n\n{more}");
        }
        insta::assert_snapshot!(format!("help_{command}"), text);
    }
}

//! Every table whole: state × action, who reads what, and the proof that nothing is left out.

use std::fmt::Write as _;

use espace::access::decide::decide;
use espace::model::caller::Action;
use espace::model::profile::{RecordState, SpaceState};
use espace::rules::facts::Facts;
use espace::rules::status::{Delivery, Standing, is_possible, judge, mailbox};
use espace::rules::{print, status};

use super::callers::{by_id, by_person, direct, document, indirect, patient, relations, shown, standing, structure};

fn pairs() -> impl Iterator<Item = (SpaceState, RecordState)> {
    let all = SpaceState::ALL.iter().flat_map(|space| RecordState::ALL.iter().map(|record| (*space, *record)));
    all.filter(|(space, record)| is_possible(*space, *record))
}

#[test]
fn the_tables_are_total_and_speak_the_words_of_the_code() {
    assert_eq!(print::check(), Vec::<String>::new());
}

#[test]
fn the_tables_as_printed() {
    insta::assert_snapshot!(print::print());
}

#[test]
fn what_each_state_answers_to_each_action() {
    let mut text = format!("{:<16}{:<13}", "space", "record");
    for action in Action::ALL {
        let _ = write!(text, "{:<18}", action.name());
    }
    for (space, record) in pairs() {
        let _ = write!(text, "\n{:<16}{:<13}", space.name(), record.name());
        for action in Action::ALL {
            let _ = write!(text, "{:<18}", judge(space, record, *action).outcome.name());
        }
    }
    insta::assert_snapshot!(text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n"));
}

#[test]
fn what_each_state_does_with_messages() {
    let lines = SpaceState::ALL.iter().map(|space| {
        let ruled = mailbox(*space);
        let status::Mailbox { mailbox, reading, reply } = ruled.outcome;
        let reply = if reply { "may reply" } else { "no reply" };
        format!("{:<16}{:<8}{:<18}{:<11}{}", space.name(), mailbox.name(), reading.name(), reply, ruled.rule)
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn what_each_caller_is_answered_in_each_state() {
    let callers = [
        ("médecin traitant, author", direct("dr-martin")),
        ("care team", direct("dr-petit")),
        ("authorised", direct("dent-moreau")),
        ("authorisation expired", direct("pharm-garcia")),
        ("no tie", direct("dr-externe")),
        ("médecin traitant, indirect", indirect("dr-martin")),
        ("author structure", structure("cabinet")),
        ("other structure", structure("hopital")),
        ("holder, own space activated", patient("dominique")),
        ("holder, own space not activated", patient("dominique")),
    ];
    let mut text = String::new();
    for action in Action::ALL {
        let _ = writeln!(text, "# {}", action.name());
        for (space, record) in
            [(SpaceState::Activated, RecordState::Attached), (SpaceState::Closed, RecordState::Closed)]
        {
            for (name, ctx) in &callers {
                let mut facts = match action {
                    Action::ReadDocument | Action::RetrieveDocument | Action::ReadPatient => by_id(ctx, "dominique"),
                    _ => by_person(ctx, "dominique"),
                };
                facts.profile = Some(standing(space, record));
                facts.holder = Some(space).filter(|_| !name.contains("not activated"));
                if matches!(action, Action::ProvideDocument | Action::ReadDocument | Action::RetrieveDocument) {
                    facts.documents = vec![document(&["N"])];
                }
                let _ = writeln!(text, "{:<10}{name:<34}{}", record.name(), shown(decide(ctx, *action, &facts)));
            }
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn nobody_feeds_or_reads_a_record_that_is_not_open_whatever_the_space_says() {
    let ctx = direct("dr-martin");
    for space in SpaceState::ALL {
        for record in [RecordState::None, RecordState::Closed, RecordState::Erased] {
            for action in Action::ALL.iter().filter(|action| **action != Action::ExistenceTest) {
                let profile = standing(*space, record);
                let facts = Facts::of_person(None, Some(profile))
                    .with_relations(relations(&ctx, "dominique"))
                    .with_documents(vec![document(&[])]);
                let answer = shown(decide(&ctx, *action, &facts));
                assert!(!answer.starts_with("permit"), "{space:?} {record:?} {action:?}");
            }
        }
    }
}

#[test]
fn a_space_accepts_messages_exactly_where_its_record_is_attached_and_not_suspended() {
    for (space, record) in pairs() {
        let accepts = mailbox(space).outcome.mailbox == Delivery::Accept;
        assert_eq!(accepts, record == RecordState::Attached && space != SpaceState::Suspended, "{space:?} {record:?}");
    }
}

#[test]
fn a_refused_feed_never_names_its_cause() {
    let causes = pairs().map(|(space, record)| judge(space, record, Action::ProvideDocument));
    let rules: Vec<_> =
        causes.filter(|ruled| ruled.outcome == Standing::RefuseAbsent).map(|ruled| ruled.rule).collect();
    assert!(rules.len() > 5);
    assert!(rules.iter().all(|rule| *rule == "MES-048"));
}

//! Event × state × known address (MES-060…066).

use std::fmt::Write as _;

use espace::model::notification::{Channel, NotifiedEvent};
use espace::model::profile::{RecordState, SpaceState};
use espace::rules::facts::ProfileFacts;
use espace::rules::notification::channel;
use espace::rules::status::is_possible;

use super::callers::{profile, standing};

fn with_addresses(space: SpaceState, record: RecordState, activation: bool, assurance_maladie: bool) -> ProfileFacts {
    ProfileFacts {
        has_activation_email: activation,
        has_assurance_maladie_email: assurance_maladie,
        ..standing(space, record)
    }
}

#[test]
fn how_each_event_is_told_in_each_state() {
    let mut text = String::new();
    for event in NotifiedEvent::ALL {
        let _ = writeln!(text, "# {}", event.name());
        for space in SpaceState::ALL {
            for record in RecordState::ALL.iter().filter(|record| is_possible(*space, **record)) {
                let _ = write!(text, "{:<16}{:<13}", space.name(), record.name());
                for (activation, other, title) in [
                    (true, true, "both"),
                    (true, false, "activation"),
                    (false, true, "AM"),
                    (false, false, "no e-mail"),
                ] {
                    let ruled = channel(*event, &with_addresses(*space, *record, activation, other));
                    let _ = write!(text, "{title}: {:<32}", ruled.outcome.map_or("-", Channel::name));
                }
                text.truncate(text.trim_end().len());
                text.push('\n');
            }
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn an_opposed_person_is_notified_of_nothing_whatever_is_known_of_her() {
    for event in NotifiedEvent::ALL {
        for record in RecordState::ALL {
            for addresses in [(true, true), (true, false), (false, true), (false, false)] {
                let facts = with_addresses(SpaceState::Opposed, *record, addresses.0, addresses.1);
                assert_eq!(channel(*event, &facts).outcome, None);
            }
        }
    }
}

#[test]
fn the_address_known_to_assurance_maladie_is_never_used_once_an_activation_address_exists() {
    for event in NotifiedEvent::ALL {
        for space in SpaceState::ALL {
            for record in RecordState::ALL.iter().filter(|_| *space == SpaceState::Activated) {
                let told = channel(*event, &with_addresses(*space, *record, true, true)).outcome;
                assert_eq!(told, Some(Channel::ActivationEmail));
            }
        }
    }
}

#[test]
fn personas_are_told_of_a_document_as_the_contract_says() {
    let told = |name: &str| channel(NotifiedEvent::DocumentAdded, &profile(name)).outcome;
    assert_eq!(told("dominique"), Some(Channel::ActivationEmail));
    assert_eq!(told("cree-mail"), Some(Channel::AssuranceMaladieEmail));
    assert_eq!(told("cree-papier"), Some(Channel::ActivityStatement));
    assert_eq!(told("ancien-dmp"), Some(Channel::AssuranceMaladieEmail));
    for silent in ["oppose", "oppose-dmp", "non-informe", "informe", "suspendu", "ferme", "decede"] {
        assert_eq!(told(silent), None, "{silent}");
    }
}

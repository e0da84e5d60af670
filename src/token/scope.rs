//! Scopes: the transactions of MHD (IUA) and SMART v2 resource scopes (SMART App Launch 2.2 §3).

use std::fmt;
use std::str::FromStr;

/// How many scopes one request may name.
const MOST: usize = 64;

/// The transactions that are scopes by themselves (MHD §5.1.2: each authorises the whole).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transaction {
    /// Provide Document Bundle.
    Iti65,
    /// Find Document Lists.
    Iti66,
    /// Find Document References.
    Iti67,
    /// Retrieve Document.
    Iti68,
    /// Simplified Publish.
    Iti105,
    /// Generate Metadata.
    Iti106,
}

impl Transaction {
    const ALL: [Self; 6] = [Self::Iti65, Self::Iti66, Self::Iti67, Self::Iti68, Self::Iti105, Self::Iti106];

    /// The scope.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Iti65 => "ITI-65",
            Self::Iti66 => "ITI-66",
            Self::Iti67 => "ITI-67",
            Self::Iti68 => "ITI-68",
            Self::Iti105 => "ITI-105",
            Self::Iti106 => "ITI-106",
        }
    }
}

/// On whose behalf resources are touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// The person connected, on the patient side.
    Patient,
    /// A professional.
    User,
    /// A structure or service.
    System,
}

impl Level {
    const fn name(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::User => "user",
            Self::System => "system",
        }
    }
}

/// A FHIR interaction in the letters of SMART v2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    /// `c`.
    Create,
    /// `r`: read, vread, history of an instance.
    Read,
    /// `u`: update and patch.
    Update,
    /// `d`.
    Delete,
    /// `s`: search, history of a type.
    Search,
}

impl Verb {
    const ALL: [Self; 5] = [Self::Create, Self::Read, Self::Update, Self::Delete, Self::Search];

    const fn letter(self) -> char {
        match self {
            Self::Create => 'c',
            Self::Read => 'r',
            Self::Update => 'u',
            Self::Delete => 'd',
            Self::Search => 's',
        }
    }
}

/// One scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// `ITI-65`.
    Transaction(Transaction),
    /// `user/DocumentReference.rs`.
    Resource {
        /// Before the slash.
        level: Level,
        /// The type, or `*`.
        kind: String,
        /// After the dot, in the order of `cruds`.
        verbs: Vec<Verb>,
    },
}

/// What a request does, as scopes see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interaction<'a> {
    /// A transaction of MHD.
    Transaction(Transaction),
    /// An interaction on a resource type.
    Resource(&'a str, Verb),
}

/// A text that is no scope we have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a scope of this server")]
pub struct UnknownScope;

impl Scope {
    /// Whether it authorises an interaction. A transaction's scope also authorises the FHIR
    /// interaction the transaction is.
    pub fn allows(&self, interaction: Interaction<'_>) -> bool {
        match (self, interaction) {
            (Self::Transaction(held), Interaction::Transaction(asked)) => *held == asked,
            (Self::Transaction(held), Interaction::Resource(kind, verb)) => matches!(
                (held, kind, verb),
                (Transaction::Iti66, "List", Verb::Search)
                    | (Transaction::Iti67, "DocumentReference", Verb::Search)
                    | (Transaction::Iti68, "Binary", Verb::Read)
            ),
            (Self::Resource { kind, verbs, .. }, Interaction::Resource(asked, verb)) => {
                (kind == "*" || kind == asked) && verbs.contains(&verb)
            }
            (Self::Resource { .. }, Interaction::Transaction(_)) => false,
        }
    }

    /// Whether everything `other` authorises is authorised by this one.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Transaction(held), Self::Transaction(asked)) => held == asked,
            (
                Self::Resource { level, kind, verbs },
                Self::Resource { level: asked_level, kind: asked, verbs: more },
            ) => level == asked_level && (kind == "*" || kind == asked) && more.iter().all(|verb| verbs.contains(verb)),
            _ => false,
        }
    }

    /// Before the slash; a transaction belongs to no level.
    pub const fn level(&self) -> Option<Level> {
        match self {
            Self::Transaction(_) => None,
            Self::Resource { level, .. } => Some(*level),
        }
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        if let Some(transaction) = Transaction::ALL.into_iter().find(|transaction| transaction.name() == text) {
            return Ok(Self::Transaction(transaction));
        }
        let (level, rest) = text.split_once('/').ok_or(UnknownScope)?;
        let level = match level {
            "patient" => Level::Patient,
            "user" => Level::User,
            "system" => Level::System,
            _ => return Err(UnknownScope),
        };
        let (kind, letters) = rest.split_once('.').ok_or(UnknownScope)?;
        let is_type = kind.starts_with(|first: char| first.is_ascii_uppercase())
            && kind.len() <= 64
            && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
        // An ordered subset of `cruds`, as SMART writes it; the query part (`?…`) is not offered.
        let verbs: Vec<Verb> = Verb::ALL.into_iter().filter(|verb| letters.contains(verb.letter())).collect();
        let canonical: String = verbs.iter().map(|verb| verb.letter()).collect();
        if (is_type || kind == "*") && !verbs.is_empty() && canonical == letters {
            Ok(Self::Resource { level, kind: kind.to_owned(), verbs })
        } else {
            Err(UnknownScope)
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transaction(transaction) => f.write_str(transaction.name()),
            Self::Resource { level, kind, verbs } => {
                write!(f, "{}/{kind}.", level.name())?;
                verbs.iter().try_for_each(|verb| write!(f, "{}", verb.letter()))
            }
        }
    }
}

/// The scopes of a request, without repetition; at least one.
pub fn parse(text: &str) -> Result<Vec<Scope>, UnknownScope> {
    let mut scopes: Vec<Scope> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let scope = word.parse()?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    if scopes.is_empty() || scopes.len() > MOST { Err(UnknownScope) } else { Ok(scopes) }
}

/// The scopes as a token or an answer writes them.
pub fn render(scopes: &[Scope]) -> String {
    scopes.iter().map(Scope::to_string).collect::<Vec<_>>().join(" ")
}

/// Whether one of `scopes` authorises an interaction.
pub fn allow(scopes: &[Scope], interaction: Interaction<'_>) -> bool {
    scopes.iter().any(|scope| scope.allows(interaction))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_read_back_as_written() {
        for text in ["ITI-65", "ITI-68", "user/DocumentReference.rs", "system/Patient.s", "patient/*.cruds"] {
            assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
        }
        for text in ["", "ITI-99", "iti-65", "user/Patient.read", "user/Patient.sr", "user/Patient.", "x/Patient.r"] {
            assert!(text.parse::<Scope>().is_err(), "{text}");
        }
        assert!("user/Patient.r?_id=1".parse::<Scope>().is_err());
    }

    #[test]
    fn a_transaction_is_the_interaction_it_stands_for_and_no_other() {
        let held = parse("ITI-67 system/Patient.s").unwrap();
        assert!(allow(&held, Interaction::Resource("DocumentReference", Verb::Search)));
        assert!(allow(&held, Interaction::Resource("Patient", Verb::Search)));
        assert!(!allow(&held, Interaction::Resource("DocumentReference", Verb::Read)));
        assert!(!allow(&held, Interaction::Resource("Binary", Verb::Read)));
        assert!(!allow(&held, Interaction::Transaction(Transaction::Iti65)));
    }

    #[test]
    fn a_wider_scope_covers_a_narrower_one_of_its_level() {
        let wide: Scope = "user/*.rs".parse().unwrap();
        assert!(wide.covers(&"user/List.s".parse().unwrap()));
        assert!(!wide.covers(&"system/List.s".parse().unwrap()));
        assert!(!wide.covers(&"user/List.c".parse().unwrap()));
    }
}

//! What may go wrong between a verb and its database (house rules §6).

use diesel::result::DatabaseErrorKind;

use crate::error::{Code, Error as Outward};

/// A fault of the store. No variant carries the content of a row.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The queue is full, no ticket came in time, or the database is locked: nothing was written.
    #[error("the store is busy")]
    Busy,
    /// Two transactions met: this one must run again. It becomes `Busy` when that was in vain.
    #[error("transactions met")]
    Contended(#[source] diesel::result::Error),
    /// Another row holds the key.
    #[error("another row of {table} holds the key")]
    Conflict {
        /// The table.
        table: &'static str,
    },
    /// A stored value is not of the form its column promises.
    #[error("a row of {table} holds a {column} that cannot be read")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// The connection was lost or could not be made.
    #[error("the database cannot be reached")]
    Lost(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database refused a statement.
    #[error("the database refused a statement")]
    Driver(#[source] diesel::result::Error),
    /// The configuration names no database that could be opened.
    #[error("database configuration: {0}")]
    Config(String),
    /// The schema is not the one this program was built for.
    #[error("database schema: {0}")]
    Schema(String),
    /// A migration failed.
    #[error("a migration failed")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A thread of the store ended before it answered.
    #[error("a thread of the store has ended")]
    Gone,
}

/// The name of a verb's result.
pub(super) type Result<T> = std::result::Result<T, Error>;

/// Why a transaction cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fatality {
    /// It met another one: run it again.
    Contended,
    /// Its connection is lost.
    Lost,
    /// A statement failed.
    Refused,
}

impl Error {
    /// The catalogue code it shows.
    pub(super) const fn code(&self) -> Code {
        match self {
            Self::Busy | Self::Contended(_) | Self::Lost(_) => Code::Busy,
            Self::Conflict { .. } => Code::Conflict,
            Self::Inconsistent { .. }
            | Self::Driver(_)
            | Self::Config(_)
            | Self::Schema(_)
            | Self::Migration(_)
            | Self::Gone => Code::Internal,
        }
    }

    /// What it means for the transaction; nothing if that can go on.
    pub(super) const fn fatality(&self) -> Option<Fatality> {
        match self {
            Self::Conflict { .. } | Self::Inconsistent { .. } => None,
            Self::Contended(_) => Some(Fatality::Contended),
            Self::Lost(_) => Some(Fatality::Lost),
            _ => Some(Fatality::Refused),
        }
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::Error as Diesel;
        match &error {
            Diesel::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => Self::Contended(error),
            Diesel::DatabaseError(DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection, _)
            | Diesel::BrokenTransactionManager => Self::Lost(Box::new(error)),
            Diesel::DatabaseError(_, information) if information.message() == "database is locked" => Self::Busy,
            Diesel::DatabaseError(_, information) if is_deadlock(information.message()) => Self::Contended(error),
            _ => Self::Driver(error),
        }
    }
}

/// The driver (diesel-async 0.9) has no kind for SQLSTATE 40P01 and shows no SQLSTATE, so the message has to
/// tell; some translations keep the English word in parentheses (OPERATIONS: `lc_messages`).
fn is_deadlock(message: &str) -> bool {
    message.to_ascii_lowercase().contains("deadlock")
}

impl From<Error> for Outward {
    fn from(error: Error) -> Self {
        Self::from(error.code()).because(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fatality(kind: DatabaseErrorKind, message: &str) -> Option<Fatality> {
        Error::from(diesel::result::Error::DatabaseError(kind, Box::new(message.to_owned()))).fatality()
    }

    #[test]
    fn transactions_that_met_are_run_again_and_other_faults_are_not() {
        assert_eq!(fatality(DatabaseErrorKind::SerializationFailure, "quelconque"), Some(Fatality::Contended));
        for message in ["deadlock detected", "interblocage (deadlock) détecté", "Verklemmung (Deadlock) entdeckt"] {
            assert_eq!(fatality(DatabaseErrorKind::Unknown, message), Some(Fatality::Contended), "{message}");
        }
        assert_eq!(fatality(DatabaseErrorKind::Unknown, "syntax error"), Some(Fatality::Refused));
    }
}

//! `espace outbox`: notices waiting, sent and given up.

use clap::{Args, Subcommand, ValueEnum};

use super::place::Place;
use super::{Failure, output, runtime};
use crate::model::notification::NotificationState;

/// Notifications waiting, sent and given up
#[derive(Debug, Args)]
pub(super) struct Outbox {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print notices, those due first: record, event, channel, state, when
    List {
        /// Which notices
        #[arg(long, value_enum, default_value_t = State::Pending)]
        only: State,
        /// How many at most
        #[arg(long, default_value_t = 1000)]
        limit: u32,
        #[command(flatten)]
        place: Place,
    },
    /// Send given up notices again: a later delivery
    Retry,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    /// Waiting to be sent
    Pending,
    /// Sent
    Sent,
    /// Given up
    Dead,
}

impl Outbox {
    /// Lists.
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::List { only, limit, place } => runtime::block_on(list(&place, only, limit))?,
            Command::Retry => Err(Failure::Usage(
                "`espace outbox retry` comes with the delivery of notices; see CHANGELOG.md".to_owned(),
            )),
        }
    }
}

async fn list(place: &Place, state: State, limit: u32) -> Result<(), Failure> {
    let (_, store) = place.open().await?;
    let state = match state {
        State::Pending => NotificationState::Pending,
        State::Sent => NotificationState::Sent,
        State::Dead => NotificationState::Dead,
    };
    let items = store.system_read("outbox.list", move |tx| tx.list_outbox(state, i64::from(limit))).await;
    for item in items.map_err(|error| Failure::from_error("outbox", &error))? {
        let notice = &item.notification;
        output::say(&format!(
            "{}\t{}\t{}\t{}\t{}",
            item.pt,
            notice.event.name(),
            notice.channel.name(),
            item.state.name(),
            notice.created_at,
        ));
    }
    Ok(())
}

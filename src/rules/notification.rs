//! How a notice travels, if at all (MES-060…066): `notification.csv`.

use super::facts::ProfileFacts;
use super::law;
use super::status::Ruled;
use super::table::{Axis as _, flag};
use crate::model::notification::{Channel, NotifiedEvent};

/// The channel on which a person is told of an event; none where nobody is notified.
pub fn channel(event: NotifiedEvent, profile: &ProfileFacts) -> Ruled<Option<Channel>> {
    let cell = [
        event.place(),
        profile.space.place(),
        profile.record.place(),
        flag(profile.has_activation_email),
        flag(profile.has_assurance_maladie_email),
    ];
    Ruled::of(law::NOTIFICATION.find(cell), None)
}

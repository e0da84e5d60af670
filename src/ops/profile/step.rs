//! The first step of the web channel: before it feeds a record, its user has asked by TD0.2 whether
//! there is one (contract §8, row `webps`).

use jiff::{SignedDuration, Timestamp};

use crate::access::context::Context;
use crate::access::permit::Denial;
use crate::error::{Code, Error};
use crate::ids::{BusinessIdentifier, Digest256, Ins};
use crate::store::{Store, Tx};

/// How long a step opens the way, by the domain clock.
const LIFE: SignedDuration = SignedDuration::from_mins(5);
/// The rule that asks for it.
const RULE: &str = "TD0.2";

/// Notes the step, in the transaction that tells the answer. A structure without a user makes none.
pub(super) fn note(tx: &mut Tx<'_>, ctx: &Context, ins: &Ins) -> Result<(), Error> {
    let Some(person) = &ctx.caller.person else { return Ok(()) };
    tx.put_existence_step(&person.id, &named(ins), ctx.at, oldest(ctx.at))
}

/// Whether the caller's user has made the step for the patient of the token, at most five minutes ago.
/// What that answered is no matter here: the feed tells it again.
pub async fn made(store: &Store, ctx: &Context) -> Result<Result<(), Denial>, Error> {
    let missing = Err(Denial::new(Code::ExistenceNotVerified, RULE));
    let (Some(person), Some(patient)) = (&ctx.caller.person, &ctx.caller.record) else { return Ok(missing) };
    let (person, patient) = (person.id.clone(), named(patient));
    let made = store.system_read("profile.step", move |tx| tx.fact_existence_step(&person, &patient)).await?;
    Ok(if made.is_some_and(|at| (oldest(ctx.at)..=ctx.at).contains(&at)) { Ok(()) } else { missing })
}

fn oldest(at: Timestamp) -> Timestamp {
    at.saturating_sub(LIFE).unwrap_or(at)
}

/// The INS as the step names it: no table beside that of identifiers repeats it.
fn named(ins: &Ins) -> Digest256 {
    BusinessIdentifier { system: ins.system(), value: ins.value().to_owned() }.digest()
}

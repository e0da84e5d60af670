//! Whether a caller who may update a document may make these changes to it (document-sharing §1.5
//! TD3.3, contract §8). Asked after [`decide`](super::decide::decide): who is refused here could
//! read the document, so that the refusal tells him nothing.

use super::context::Context;
use super::decide::ties_of_request;
use super::permit::Denial;
use crate::error::Code;
use crate::rules::change::{self, Change};
use crate::rules::consultation::Consultation;
use crate::rules::facts::Facts;

/// The rule that allows the first of these changes, if all are allowed. The status is the author's
/// alone (business error 901); the other refusals are neutral.
pub fn may_change(ctx: &Context, facts: &Facts, changes: &[Change]) -> Result<Option<&'static str>, Denial> {
    let ties = ties_of_request(ctx, facts);
    let mut rule = None;
    for change in changes {
        let ruled = change::permits(ctx.caller.class, &ties, *change);
        if ruled.outcome == Consultation::Deny {
            let code = match change {
                Change::Withdraw | Change::Supersede => Code::NotAuthor,
                _ => Code::Forbidden,
            };
            return Err(Denial::new(code, ruled.rule));
        }
        rule = rule.or(Some(ruled.rule));
    }
    Ok(rule)
}

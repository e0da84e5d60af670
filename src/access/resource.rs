//! The decision about what is not a document: the directory, and what of a record the generic
//! operations serve (contract §8; `resource-access.csv`).

use super::context::Context;
use super::decide::{decide, ties};
use super::permit::{Denial, Permit, Verdict};
use crate::error::Code;
use crate::ids::ShardKey;
use crate::model::caller::Action;
use crate::model::resource::ResourceType;
use crate::rules::facts::{Facts, Naming};
use crate::rules::registry::{self, Place};
use crate::rules::resource;

/// Whether the caller may read, or write, resources of a type in the directory. Nothing of a person is
/// looked at.
pub fn decide_directory(ctx: &Context, kind: ResourceType, writes: bool) -> Verdict {
    let ruled = resource::opens(kind, ctx.caller.class, &[], writes);
    let is_there = registry::generic(kind).is_some_and(|served| served.place == Place::Directory);
    if !ruled.outcome || !is_there {
        return Verdict::Deny(Denial::new(Code::Forbidden, ruled.rule));
    }
    Verdict::Permit(Permit::new(ShardKey::DIRECTORY, action(writes), ruled.rule))
}

/// Whether the caller may read, or write, resources of a type in the record of the facts: as for the
/// record itself, and then by his ties to it.
pub fn decide_record(ctx: &Context, kind: ResourceType, writes: bool, facts: &Facts) -> Verdict {
    let permit = match decide(ctx, action(writes), facts) {
        Verdict::Permit(permit) => permit,
        denied @ Verdict::Deny(_) => return denied,
    };
    let ruled = resource::opens(kind, ctx.caller.class, &ties(ctx, facts), writes);
    if ruled.outcome {
        return Verdict::Permit(permit);
    }
    let code = match facts.naming {
        Naming::Person => Code::Forbidden,
        Naming::Id => Code::NotFound,
    };
    Verdict::Deny(Denial::new(code, ruled.rule))
}

/// The permit of the operator's own hand: on the directory for `espace import`, and where the
/// demonstration puts its persons.
pub const fn by_operator(shard: ShardKey) -> Permit {
    Permit::new(shard, Action::WriteResource, "CSP-L1470-4")
}

const fn action(writes: bool) -> Action {
    if writes { Action::WriteResource } else { Action::ReadResource }
}

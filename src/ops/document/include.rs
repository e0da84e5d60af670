//! `_include` within one record (R4 search §include): what the fiches and the lists found point to.

use std::collections::HashSet;

use serde_json::Value;
use uuid::Uuid;

use crate::access::permit::Permit;
use crate::error::Error;
use crate::fhir::search::{Search, targets};
use crate::ids::LogicalId;
use crate::model::resource::{ResourceType, StoredResource};
use crate::model::search::Condition;
use crate::ops::resource::search::{Page, by_ids};
use crate::store::Tx;

use super::unseen::NAMING;

/// The fiches and lists that `_include` names, each once, none that matches already. A fiche must
/// fulfil `seen`, a list must not be one of `unseen_lists`.
pub(super) fn follow(
    tx: &mut Tx<'_>,
    permit: &Permit,
    search: &Search,
    kind: ResourceType,
    page: &Page,
    seen: &[Condition],
    unseen_lists: &[Uuid],
) -> Result<Vec<(ResourceType, StoredResource)>, Error> {
    let mut wanted: Vec<(ResourceType, Uuid)> = Vec::new();
    let mut known: HashSet<_> = page.matches.iter().map(|found| (kind.number(), found.id)).collect();
    for include in search.includes.iter().filter(|include| !matches!(include.parameter.code, "patient" | "subject")) {
        for found in &page.matches {
            let Ok(body) = serde_json::from_slice::<Value>(&found.body) else { continue };
            for target in targets(&body, include.parameter, &NAMING) {
                let Some((kind, id)) = within(permit, &target) else { continue };
                let is_wanted = include.target.as_deref().is_none_or(|wanted| wanted == kind.name());
                if is_wanted && known.insert((kind.number(), id)) {
                    wanted.push((kind, id));
                }
            }
        }
    }
    let ids =
        |of: ResourceType| -> Vec<Uuid> { wanted.iter().filter(|(kind, _)| *kind == of).map(|(_, id)| *id).collect() };
    let fiches = by_ids(tx, permit, ResourceType::DocumentReference, &ids(ResourceType::DocumentReference), seen)?;
    let lists = ids(ResourceType::List).into_iter().filter(|id| !unseen_lists.contains(id)).collect::<Vec<_>>();
    let lists = by_ids(tx, permit, ResourceType::List, &lists, &[])?;
    let fiches = fiches.into_iter().map(|fiche| (ResourceType::DocumentReference, fiche));
    Ok(fiches.chain(lists.into_iter().map(|list| (ResourceType::List, list))).collect())
}

/// A fiche or a list of the same record.
fn within(permit: &Permit, target: &str) -> Option<(ResourceType, Uuid)> {
    let (kind, id) = target.split_once('/')?;
    let kind = [ResourceType::DocumentReference, ResourceType::List].into_iter().find(|known| known.name() == kind)?;
    let id: LogicalId = id.parse().ok()?;
    (id.shard == permit.patient().into()).then_some((kind, id.uuid))
}

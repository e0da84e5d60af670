//! What a search may look at, and as what: the one way by which a search, its chains, `_has`,
//! inclusions and counts reach resources (contract §8, "who reads what").

use std::str::FromStr as _;

use uuid::Uuid;

use crate::access::permit::Permit;
use crate::error::Error;
use crate::fhir::search::Term;
use crate::ids::LogicalId;
use crate::model::resource::{ResourceType, StoredResource};
use crate::model::search::Condition;
use crate::store::Tx;

/// The resources a caller may reach by one search. A type that no permit opens is empty to it:
/// whatever leads there finds nothing.
pub trait Scope {
    /// The permit over the shard in which resources of a type are kept.
    fn permit(&self, kind: ResourceType) -> Option<&Permit>;

    /// The conditions under which the caller sees a resource of a type.
    ///
    /// # Errors
    /// Those of the store.
    fn seen(&self, tx: &mut Tx<'_>, kind: ResourceType) -> Result<Vec<Condition>, Error>;

    /// What a condition on rows comes to where rows would tell of what the caller does not see.
    ///
    /// # Errors
    /// Those of the store.
    fn leaf(&self, _tx: &mut Tx<'_>, _kind: ResourceType, _term: &Term) -> Result<Option<Condition>, Error> {
        Ok(None)
    }

    /// A resource as the caller sees it.
    ///
    /// # Errors
    /// Those of the store.
    fn shown(&self, _tx: &mut Tx<'_>, _kind: ResourceType, found: StoredResource) -> Result<StoredResource, Error> {
        Ok(found)
    }

    /// The stored key of a resource of this id; `None` where the shard can hold none of it.
    fn key(&self, kind: ResourceType, id: &str) -> Option<Uuid> {
        let id = LogicalId::from_str(id).ok()?;
        (id.shard == self.permit(kind)?.shard()).then_some(id.uuid)
    }

    /// The FHIR ids of these resources, as references name them.
    ///
    /// # Errors
    /// Those of the store.
    fn ids(&self, _tx: &mut Tx<'_>, kind: ResourceType, found: &[Uuid]) -> Result<Vec<String>, Error> {
        let Some(permit) = self.permit(kind) else { return Ok(Vec::new()) };
        Ok(found.iter().map(|uuid| LogicalId { shard: permit.shard(), uuid: *uuid }.to_string()).collect())
    }
}

/// The type of a name, where resources of it are stored.
pub fn stored_type(name: &str) -> Option<ResourceType> {
    ResourceType::ALL.iter().copied().find(|kind| kind.name() == name)
}

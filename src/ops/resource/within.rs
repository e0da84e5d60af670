//! What a search of the generic types may reach: the type that the caller was let to, and in the
//! directory every other one beside it (contract §8, "who reads what").

use uuid::Uuid;

use super::reach::{Kept, is_directory};
use super::scope::Scope;
use super::search::by_ids;
use crate::access::permit::Permit;
use crate::error::Error;
use crate::ids::LogicalId;
use crate::model::resource::ResourceType;
use crate::model::search::Condition;
use crate::store::Tx;

/// The directory, or one type of a record.
pub(super) struct Within<'a> {
    /// What opened the type.
    pub(super) permit: &'a Permit,
    /// The type searched.
    pub(super) kind: ResourceType,
}

impl Scope for Within<'_> {
    fn permit(&self, kind: ResourceType) -> Option<&Permit> {
        (kind == self.kind || (is_directory(kind) && is_directory(self.kind))).then_some(self.permit)
    }

    fn seen(&self, _tx: &mut Tx<'_>, _kind: ResourceType) -> Result<Vec<Condition>, Error> {
        Ok(Vec::new())
    }

    fn key(&self, kind: ResourceType, id: &str) -> Option<Uuid> {
        self.permit(kind)?.shard().key_of(id)
    }

    /// In the directory an id may have been given from outside: it stands in the resource alone.
    fn ids(&self, tx: &mut Tx<'_>, kind: ResourceType, found: &[Uuid]) -> Result<Vec<String>, Error> {
        let Some(permit) = self.permit(kind) else { return Ok(Vec::new()) };
        if !is_directory(kind) {
            let shard = permit.shard();
            return Ok(found.iter().map(|uuid| LogicalId { shard, uuid: *uuid }.to_string()).collect());
        }
        by_ids(tx, permit, kind, found, &[])?.into_iter().map(|one| Ok(Kept::of(one)?.id)).collect()
    }
}

//! What a search may reach within one record: fiches and lists, each as its reader sees them
//! (contract §8, "a hidden document").

use std::cell::OnceCell;

use super::pointing::{Reader, Relations};
use super::sight;
use super::unseen::{Unseen, UnseenLists};
use crate::access::permit::Permit;
use crate::error::Error;
use crate::fhir::search::Term;
use crate::model::resource::{ResourceType, StoredResource};
use crate::model::search::Condition;
use crate::ops::resource::scope::Scope;
use crate::store::Tx;

/// The documents of a record, as one search reaches them.
pub(super) struct Reach<'a> {
    reader: Reader<'a>,
    permit: &'a Permit,
    lists: OnceCell<UnseenLists>,
    relations: OnceCell<Relations>,
}

impl<'a> Reach<'a> {
    /// What this reader reaches in the record that the permit opens.
    pub(super) fn of(reader: Reader<'a>, permit: &'a Permit) -> Self {
        Self { reader, permit, lists: OnceCell::new(), relations: OnceCell::new() }
    }

    /// What of the lists is not seen; found out when first asked.
    pub(super) fn lists(&self, tx: &mut Tx<'_>) -> Result<&UnseenLists, Error> {
        if let Some(known) = self.lists.get() {
            return Ok(known);
        }
        let found = Unseen::by(self.reader.ctx, self.reader.facts).lists(tx, self.permit)?;
        Ok(self.lists.get_or_init(|| found))
    }

    fn relations(&self, tx: &mut Tx<'_>) -> Result<&Relations, Error> {
        if let Some(known) = self.relations.get() {
            return Ok(known);
        }
        let found = self.reader.relations(tx, self.permit)?;
        Ok(self.relations.get_or_init(|| found))
    }
}

impl Scope for Reach<'_> {
    fn permit(&self, kind: ResourceType) -> Option<&Permit> {
        matches!(kind, ResourceType::DocumentReference | ResourceType::List).then_some(self.permit)
    }

    fn seen(&self, tx: &mut Tx<'_>, kind: ResourceType) -> Result<Vec<Condition>, Error> {
        match kind {
            ResourceType::DocumentReference => Ok(sight::conditions(self.reader.ctx, self.reader.facts)),
            ResourceType::List => Ok(self.lists(tx)?.seen()),
            _ => Ok(vec![Condition::Never]),
        }
    }

    fn leaf(&self, tx: &mut Tx<'_>, kind: ResourceType, term: &Term) -> Result<Option<Condition>, Error> {
        match kind {
            ResourceType::DocumentReference if Relations::concern(term) => {
                Ok(Some(self.relations(tx)?.condition(term)))
            }
            ResourceType::List => Ok(self.lists(tx)?.condition(term)),
            _ => Ok(None),
        }
    }

    fn shown(&self, tx: &mut Tx<'_>, kind: ResourceType, found: StoredResource) -> Result<StoredResource, Error> {
        match kind {
            ResourceType::List => Ok(self.lists(tx)?.without_entries(found)),
            _ => self.reader.shown(tx, kind, found),
        }
    }
}

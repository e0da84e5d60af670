//! Searches as the operations run them: one value and a hundred, alone and with what is included; to be
//! compared with each other (issue 4, speed).

use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::storage::failed;
use super::{Meter, Part};
use crate::access::permit::Permit;
use crate::cli::Failure;
use crate::error::Error;
use crate::fhir::search::{Options, Search, parse};
use crate::ids::LogicalId;
use crate::model::resource::{NewResource, ResourceType};
use crate::model::search::Condition;
use crate::ops::Service;
use crate::ops::resource::include::included;
use crate::ops::resource::scope::Scope;
use crate::ops::resource::search::{resolved, run};
use crate::ops::resource::stamp::{self, NAMING};
use crate::store::Tx;

const FICHE: ResourceType = ResourceType::DocumentReference;
/// Fiches that the searches find, each with what it points to.
const FOUND: usize = 20;

/// A whole record, of which nothing is hidden.
struct Whole(Arc<Permit>);

impl Scope for Whole {
    fn permit(&self, kind: ResourceType) -> Option<&Permit> {
        matches!(kind, FICHE | ResourceType::List).then_some(&*self.0)
    }

    fn seen(&self, _tx: &mut Tx<'_>, _kind: ResourceType) -> Result<Vec<Condition>, Error> {
        Ok(Vec::new())
    }
}

/// Keeps twenty fiches like `fiche`, each with an author of its own, and searches for them.
pub(super) async fn measure(
    service: &Rc<Service>,
    permit: &Arc<Permit>,
    fiche: &NewResource,
    meter: &Meter,
) -> Result<Vec<Part>, Failure> {
    keep(service, permit, fiche).await?;
    let many: Vec<String> = (0..99).map(|number| format!("http://loinc.org|{number}-0")).collect();
    let many = format!("{},urn:bench|found", many.join(","));
    let mut parts = Vec::new();
    for (name, what, pairs) in [
        ("search-one", "find 20 fiches by one code", vec![("event", "urn:bench|found")]),
        ("search-or-100", "the same among 100 codes", vec![("event", many.as_str())]),
        (
            "search-include",
            "the same by one code, with 20 authors",
            vec![("event", "urn:bench|found"), ("_include", "DocumentReference:related")],
        ),
    ] {
        let search = asked(&pairs)?;
        let work = {
            let (service, permit) = (Rc::clone(service), Arc::clone(permit));
            move || once(Rc::clone(&service), Arc::clone(&permit), search.clone())
        };
        parts.push(meter.together(name, what, work).await?);
    }
    Ok(parts)
}

fn asked(pairs: &[(&str, &str)]) -> Result<Search, Failure> {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let options = Options { strict: true, max_count: 100, now: Timestamp::UNIX_EPOCH, naming: NAMING };
    let search = parse(FICHE.name(), &pairs, &options);
    search.map_err(|_issues| Failure::Failed("the bench's own search is refused".to_owned()))
}

async fn once(service: Rc<Service>, permit: Arc<Permit>, search: Search) -> Result<(), Failure> {
    let read = move |tx: &mut Tx<'_>| {
        let scope = Whole(Arc::clone(&permit));
        let predicate = resolved(tx, &scope, &search, FICHE, Vec::new())?;
        let page = run(tx, &permit, &search, &predicate, &[], None)?;
        let beside = included(tx, &scope, &search, FICHE, &page.matches)?;
        let size = page.matches.iter().chain(beside.iter().map(|one| &one.resource)).map(|one| one.body.len()).sum();
        let mut body: Vec<u8> = Vec::with_capacity(size);
        for found in page.matches.iter().chain(beside.iter().map(|one| &one.resource)) {
            body.extend_from_slice(&found.body);
        }
        std::hint::black_box(body);
        Ok(())
    };
    service.store.system_read("bench.linked", read).await.map_err(failed)
}

async fn keep(service: &Rc<Service>, permit: &Arc<Permit>, fiche: &NewResource) -> Result<(), Failure> {
    let body: serde_json::Value =
        serde_json::from_slice(&fiche.body).map_err(|error| Failure::Failed(error.to_string()))?;
    let mut kept = Vec::with_capacity(2 * FOUND);
    for _ in 0..FOUND {
        let (id, author) = (service.ids.uuid(fiche.updated_at), service.ids.uuid(fiche.updated_at));
        let place = |id: Uuid| LogicalId { shard: permit.shard(), uuid: id };
        let mut value = stamp::stamp(body.clone(), &place(id), 1, fiche.updated_at);
        if let Some(context) = value.get_mut("context").and_then(serde_json::Value::as_object_mut) {
            context.insert("event".to_owned(), json!([{ "coding": [{ "system": "urn:bench", "code": "found" }] }]));
            context.insert("related".to_owned(), json!([{ "reference": format!("List/{}", place(author)) }]));
        }
        kept.push(resource(fiche, FICHE, id, &value));
        let author_body =
            json!({ "resourceType": "List", "id": place(author).to_string(), "title": "x".repeat(1_000) });
        kept.push(resource(fiche, ResourceType::List, author, &author_body));
    }
    let permit = Arc::clone(permit);
    let write = move |tx: &mut Tx<'_>| kept.iter().try_for_each(|new| tx.put_resource(&permit, new));
    service.store.system("bench.keep", write).await.map_err(failed)
}

fn resource(like: &NewResource, kind: ResourceType, id: Uuid, value: &serde_json::Value) -> NewResource {
    NewResource {
        kind,
        id,
        version: 1,
        body: value.to_string().into_bytes(),
        updated_at: like.updated_at,
        index: stamp::index(value),
        former: Vec::new(),
    }
}

//! The requests of a batch or a transaction, taken out of their bundle (R4 `http.html#transaction`).

use std::fmt;

use serde_json::Value;

use crate::error::{Code, Error, Issue};
use crate::fhir::validate;
use crate::ids::ElementPath;

/// What holds the requests together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Together {
    /// Each on its own.
    Batch,
    /// All or none.
    Transaction,
}

/// `Bundle.entry.request.method`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// `DELETE`.
    Delete,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
    /// `GET`.
    Get,
    /// `HEAD`.
    Head,
}

impl Method {
    const ALL: [Self; 6] = [Self::Delete, Self::Post, Self::Put, Self::Patch, Self::Get, Self::Head];

    /// The word of HTTP.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Get => "GET",
            Self::Head => "HEAD",
        }
    }
}

/// One entry. What it holds may be personal: `Debug` tells its number and method only.
pub struct Request {
    /// Its number, from 0.
    pub number: usize,
    /// `fullUrl`.
    pub full_url: Option<String>,
    /// `request.method`.
    pub method: Method,
    /// `request.url`.
    pub url: String,
    /// `resource`.
    pub resource: Option<Value>,
    /// `request.ifMatch`.
    pub if_match: Option<String>,
    /// `request.ifNoneMatch`.
    pub if_none_match: Option<String>,
    /// `request.ifModifiedSince`.
    pub if_modified_since: Option<String>,
    /// `request.ifNoneExist`.
    pub if_none_exist: Option<String>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} {})", self.number, self.method.name())
    }
}

/// What the URL of a request names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Address<'a> {
    /// `Type`, `Type?query`.
    Type {
        /// The type, unjudged.
        kind: &'a str,
        /// What follows the question mark; empty where there is none.
        query: &'a str,
    },
    /// `Type/_search?query`.
    Search {
        /// The type, unjudged.
        kind: &'a str,
        /// What follows the question mark; empty where there is none.
        query: &'a str,
    },
    /// `Type/id`, `Type/id/_history/version`.
    Instance {
        /// The type, unjudged.
        kind: &'a str,
        /// The id, unjudged.
        id: &'a str,
        /// The version, unjudged.
        version: Option<&'a str>,
    },
    /// `Type/_history`, `Type/id/_history`.
    History {
        /// The type, unjudged.
        kind: &'a str,
        /// The id, unjudged.
        id: Option<&'a str>,
        /// What follows the question mark; empty where there is none.
        query: &'a str,
    },
}

impl<'a> Address<'a> {
    /// Reads an address below the base.
    pub fn read(local: &'a str) -> Option<Self> {
        let (path, query) = local.split_once('?').unwrap_or((local, ""));
        let parts: Vec<&str> = path.split('/').collect();
        Some(match *parts.as_slice() {
            [kind] => Self::Type { kind, query },
            [kind, "_search"] => Self::Search { kind, query },
            [kind, "_history"] => Self::History { kind, id: None, query },
            [kind, id] => Self::Instance { kind, id, version: None },
            [kind, id, "_history"] => Self::History { kind, id: Some(id), query },
            [kind, id, "_history", version] => Self::Instance { kind, id, version: Some(version) },
            _ => return None,
        })
    }

    /// The type.
    pub const fn kind(self) -> &'a str {
        match self {
            Self::Type { kind, .. }
            | Self::Search { kind, .. }
            | Self::Instance { kind, .. }
            | Self::History { kind, .. } => kind,
        }
    }
}

impl Request {
    /// Its URL as it stands below `base`: no other server's, nothing that climbs out of the base.
    ///
    /// # Errors
    /// [`Code::Value`] at `request.url`.
    pub fn local(&self, base: &str) -> Result<&str, Error> {
        let own = self.url.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')).unwrap_or(&self.url);
        let own = own.strip_prefix('/').unwrap_or(own);
        let (path, _) = own.split_once('?').unwrap_or((own, ""));
        let is_plain = own.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        let stays = path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
        if is_plain && stays && !path.contains([':', '%', '\\']) {
            return Ok(own);
        }
        Err(Issue::new(Code::Value).at(self.place("url")).rule("R4 bundle#Bundle.entry.request.url").into())
    }

    /// The path of an element of its request.
    pub fn place(&self, name: &str) -> ElementPath {
        place(self.number).child("request").child(name)
    }
}

/// The path of an entry.
pub fn place(number: usize) -> ElementPath {
    ElementPath::root("Bundle").child("entry").index(number)
}

/// What is wrong with an entry, told of its bundle: what is at fault in its resource stands below it,
/// what is at fault in its request is told of the entry.
pub fn located(number: usize, kind: &str, error: Error) -> Error {
    error.map(|issue| {
        let path = issue.path.as_ref().map(ElementPath::as_str).unwrap_or_default();
        let entry = place(number);
        let path = match path.strip_prefix(kind).and_then(|rest| rest.strip_prefix('.')) {
            _ if path.starts_with("Bundle.entry[") => return issue,
            Some(element) => entry.child("resource").child(element),
            None if path == kind || matches!(path, "id" | "resourceType") => entry.child("resource"),
            None => entry,
        };
        issue.at(path)
    })
}

/// Takes the requests out of a bundle of at most `most` of them. The resources are not judged yet.
///
/// # Errors
/// [`Code::NotSupported`] for a Bundle of another type, [`Code::TooLarge`] for too many entries, what
/// validation finds in the bundle but for its resources.
pub fn requests(mut bundle: Value, most: usize) -> Result<(Together, Vec<Request>), Error> {
    let path = ElementPath::root("Bundle").child("type");
    let is_bundle = bundle.get("resourceType").and_then(Value::as_str) == Some("Bundle");
    let together = match bundle.get("type").and_then(Value::as_str).filter(|_| is_bundle) {
        Some("batch") => Together::Batch,
        Some("transaction") => Together::Transaction,
        _ => return Err(Issue::new(Code::NotSupported).at(path).rule("R4 http#transaction").into()),
    };
    let entries = bundle.get_mut("entry").and_then(Value::as_array_mut);
    let resources: Vec<Option<Value>> = entries.into_iter().flatten().map(take_resource).collect();
    if resources.len() > most {
        let detail = format!("({most} entrées au plus)");
        return Err(Issue::new(Code::TooLarge).at(ElementPath::root("Bundle").child("entry")).detail(detail).into());
    }
    let issues = validate::structural(&bundle);
    if issues.iter().any(|issue| !issue.is_warning) {
        return Err(Error::many(issues));
    }
    let entries = bundle.get("entry").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let read =
        entries.iter().zip(resources).enumerate().map(|(number, (entry, resource))| read(number, entry, resource));
    Ok((together, read.collect::<Result<_, _>>()?))
}

fn take_resource(entry: &mut Value) -> Option<Value> {
    entry.as_object_mut()?.shift_remove("resource")
}

fn read(number: usize, entry: &Value, resource: Option<Value>) -> Result<Request, Error> {
    let request = entry.get("request");
    let text = |name: &str| request.and_then(|request| request.get(name)?.as_str()).map(str::to_owned);
    let missing = || Error::from(Issue::new(Code::Missing).at(place(number).child("request")).rule("R4 bdl-3"));
    let method = text("method").and_then(|word| Method::ALL.into_iter().find(|method| method.name() == word));
    Ok(Request {
        number,
        full_url: entry.get("fullUrl").and_then(Value::as_str).map(str::to_owned),
        method: method.ok_or_else(missing)?,
        url: text("url").ok_or_else(missing)?,
        resource,
        if_match: text("ifMatch"),
        if_none_match: text("ifNoneMatch"),
        if_modified_since: text("ifModifiedSince"),
        if_none_exist: text("ifNoneExist"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_below_the_base_or_nowhere() {
        let local = |url: &str| {
            let request = Request {
                number: 3,
                full_url: None,
                method: Method::Get,
                url: url.to_owned(),
                resource: None,
                if_match: None,
                if_none_match: None,
                if_modified_since: None,
                if_none_exist: None,
            };
            request.local("https://here/fhir").map(str::to_owned).map_err(|error| error.code())
        };
        for (url, own) in [
            ("Location/1", "Location/1"),
            ("/Location/1", "Location/1"),
            ("https://here/fhir/Location?name=a%20b", "Location?name=a%20b"),
            ("Location?identifier=urn:x|1", "Location?identifier=urn:x|1"),
        ] {
            assert_eq!(local(url).as_deref(), Ok(own));
        }
        for foreign in [
            "https://there/fhir/Location/1",
            "../oauth2/token",
            "Location/../../dev",
            "Location/%2e%2e/x",
            "",
            "/",
            "a b",
        ] {
            assert_eq!(local(foreign), Err(Code::Value), "{foreign}");
        }
    }

    #[test]
    fn an_address_tells_what_it_names() {
        let kind = |local| Address::read(local).map(Address::kind);
        assert_eq!(kind("Location?a=b"), Some("Location"));
        assert!(
            Address::read("Location/1/_history/2")
                == Some(Address::Instance { kind: "Location", id: "1", version: Some("2") })
        );
        assert!(
            Address::read("Location/_history?_count=1")
                == Some(Address::History { kind: "Location", id: None, query: "_count=1" })
        );
        assert!(Address::read("Location/1/2/3/4").is_none());
    }

    #[test]
    fn a_fault_is_told_of_the_entry() {
        let told = |path: &str| {
            let error = located(2, "Location", Issue::new(Code::Value).at(ElementPath::root(path)).into());
            error.issues()[0].path.as_ref().unwrap().to_string()
        };
        assert_eq!(told("Location.name"), "Bundle.entry[2].resource.name");
        assert_eq!(told("id"), "Bundle.entry[2].resource");
        assert_eq!(told("criteria"), "Bundle.entry[2]");
        assert_eq!(told("Bundle.entry[2].request.url"), "Bundle.entry[2].request.url");
    }
}

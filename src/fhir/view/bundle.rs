//! Bundle: what was posted together (MHD §1.2, R4 transaction).

use serde_json::Value;

use super::{items, of_type, text};

/// A Bundle.
#[derive(Clone, Copy)]
pub struct Bundle<'a>(&'a Value);

/// One entry.
#[derive(Clone, Copy)]
pub struct Entry<'a>(&'a Value);

impl<'a> Bundle<'a> {
    /// The view of a Bundle; `None` for another resource.
    pub fn new(resource: &'a Value) -> Option<Self> {
        of_type(resource, "Bundle").map(Self)
    }

    /// `type`.
    pub fn kind(&self) -> Option<&'a str> {
        text(self.0, "type")
    }

    /// `meta.profile`.
    pub fn profiles(&self) -> Vec<&'a str> {
        self.0.get("meta").map_or_else(Vec::new, |meta| items(meta, "profile").filter_map(Value::as_str).collect())
    }

    /// The entries, in order.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        items(self.0, "entry").map(Entry)
    }

    /// The entry of a fullUrl.
    pub fn entry(&self, full_url: &str) -> Option<Entry<'a>> {
        self.entries().find(|entry| entry.full_url() == Some(full_url))
    }
}

impl<'a> Entry<'a> {
    /// `fullUrl`.
    pub fn full_url(&self) -> Option<&'a str> {
        text(self.0, "fullUrl")
    }

    /// `request.method`.
    pub fn method(&self) -> Option<&'a str> {
        text(self.0.get("request")?, "method")
    }

    /// `request.url`.
    pub fn url(&self) -> Option<&'a str> {
        text(self.0.get("request")?, "url")
    }

    /// `resource`.
    pub fn resource(&self) -> Option<&'a Value> {
        self.0.get("resource")
    }

    /// `resource.resourceType`.
    pub fn resource_type(&self) -> Option<&'a str> {
        text(self.resource()?, "resourceType")
    }
}

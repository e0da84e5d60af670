//! Namespaces as one enum, and the prefixes in scope (Namespaces in XML 1.0).

/// The namespaces that our rooms tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Namespace {
    /// No namespace.
    None,
    /// `urn:hl7-org:v3`: CDA and HL7 V3 messages.
    Hl7V3,
    /// `http://hl7.org/fhir`.
    Fhir,
    /// `http://www.w3.org/1999/xhtml`: narratives.
    Xhtml,
    /// `http://www.w3.org/1999/XSL/Transform`: self-presentable documents.
    Xslt,
    /// `http://www.w3.org/2001/XMLSchema-instance`.
    Xsi,
    /// `http://www.w3.org/XML/1998/namespace`: `xml:lang`, `xml:id`.
    Xml,
    /// Any other.
    Other,
}

impl Namespace {
    /// The namespace of a URI.
    pub fn of(uri: &str) -> Self {
        match uri {
            "" => Self::None,
            "urn:hl7-org:v3" => Self::Hl7V3,
            "http://hl7.org/fhir" => Self::Fhir,
            "http://www.w3.org/1999/xhtml" => Self::Xhtml,
            "http://www.w3.org/1999/XSL/Transform" => Self::Xslt,
            "http://www.w3.org/2001/XMLSchema-instance" => Self::Xsi,
            "http://www.w3.org/XML/1998/namespace" => Self::Xml,
            _ => Self::Other,
        }
    }
}

/// The prefixes declared so far, innermost last.
#[derive(Debug)]
pub(super) struct Scope {
    bindings: Vec<Binding>,
    /// The default namespace in force: asked for at nearly every element.
    default: Namespace,
}

#[derive(Debug)]
struct Binding {
    depth: usize,
    prefix: String,
    namespace: Namespace,
}

impl Default for Scope {
    fn default() -> Self {
        Self { bindings: Vec::new(), default: Namespace::None }
    }
}

impl Scope {
    /// Declares `prefix` (empty: the default namespace) on the element at `depth`.
    pub(super) fn declare(&mut self, depth: usize, prefix: &str, uri: &str) {
        let namespace = Namespace::of(uri);
        if prefix.is_empty() {
            self.default = namespace;
        }
        self.bindings.push(Binding { depth, prefix: prefix.to_owned(), namespace });
    }

    /// Forgets what the elements deeper than `depth` declared.
    pub(super) fn leave(&mut self, depth: usize) {
        let before = self.bindings.len();
        while self.bindings.last().is_some_and(|binding| binding.depth > depth) {
            self.bindings.pop();
        }
        if self.bindings.len() < before {
            self.default = self.find("").unwrap_or(Namespace::None);
        }
    }

    /// The namespace of a prefix; `None` when it is not declared.
    pub(super) fn resolve(&self, prefix: &str) -> Option<Namespace> {
        match prefix {
            "" => Some(self.default),
            "xml" => Some(Namespace::Xml),
            prefix => self.find(prefix),
        }
    }

    fn find(&self, prefix: &str) -> Option<Namespace> {
        self.bindings.iter().rev().find(|binding| binding.prefix == prefix).map(|binding| binding.namespace)
    }
}

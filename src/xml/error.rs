//! Why a text is not XML we read (XML 1.0, Namespaces in XML 1.0, house rules §9).

/// What is wrong with a document, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} (byte {at})")]
pub struct Error {
    /// Byte offset in the document, as far as the reader got.
    pub at: u64,
    /// What is wrong. Never carries a piece of the document.
    pub kind: Kind,
}

/// The ways in which a document is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Kind {
    /// A tag, attribute or comment that does not follow the grammar.
    #[error("not well-formed")]
    Syntax,
    /// The bytes end before the document does.
    #[error("truncated")]
    Truncated,
    /// Not UTF-8, or another encoding is declared.
    #[error("not UTF-8")]
    Encoding,
    /// XML 1.1 or later is declared.
    #[error("not XML 1.0")]
    Version,
    /// A document type declaration.
    #[error("DOCTYPE is refused")]
    Doctype,
    /// An entity beyond the five predefined ones, or a bad character reference.
    #[error("entities are refused")]
    Entity,
    /// A character that XML 1.0 does not admit.
    #[error("forbidden character")]
    Character,
    /// The same attribute twice in one tag.
    #[error("duplicate attribute")]
    DuplicateAttribute,
    /// A prefix that is not declared.
    #[error("undeclared namespace prefix")]
    Namespace,
    /// Elements nested too deep.
    #[error("nested too deep")]
    Depth,
    /// Too many attributes in one tag, or a tag too long.
    #[error("too many attributes")]
    Attributes,
    /// A name that is too long.
    #[error("name too long")]
    Name,
    /// A text or an attribute value that is too long.
    #[error("text too long")]
    Text,
    /// More bytes than may be read.
    #[error("too long")]
    Size,
}

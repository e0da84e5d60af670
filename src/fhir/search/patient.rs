//! The patient a query names: in one form whatever the client wrote (pains 2, MHD §1.4, §1.5).

use super::plan::{Naming, PatientClause};
use super::table::{self, Kind};
use super::{reference, term, token};

/// What a parameter says about the patient.
pub(super) enum Reading {
    /// Nothing: it is a condition like others.
    Other,
    /// The record to search.
    Clause(PatientClause),
    /// A patient in a form that cannot be honoured.
    Refused,
}

/// Reads `patient`, `subject` (where a patient may be one), their `.identifier`, and the
/// `identifier` of a Patient.
pub(super) fn read(kind: &str, name: &Name<'_>, value: &str, naming: &Naming<'_>) -> Reading {
    if kind == "Patient" && name.base == "identifier" && name.chain.is_none() && name.modifier.is_none() {
        return identifier(value).map_or(Reading::Other, Reading::Clause);
    }
    let may_be_patient = matches!(name.base, "patient" | "subject")
        && table::find(kind, name.base)
            .is_some_and(|known| known.kind == Kind::Reference && known.points_to("Patient"));
    if !may_be_patient {
        return Reading::Other;
    }
    let or_refused = |clause: Option<PatientClause>| clause.map_or(Reading::Refused, Reading::Clause);
    match (name.modifier, name.chain) {
        (None, Some("identifier")) if matches!(name.target, None | Some("Patient")) => or_refused(identifier(value)),
        (Some("identifier"), None) => or_refused(identifier(value)),
        (Some("Patient"), None) => or_refused(id(value, naming)),
        (None, None) => match id(value, naming) {
            Some(clause) => Reading::Clause(clause),
            None if name.base == "patient" => Reading::Refused,
            None => Reading::Other,
        },
        _ if name.base == "patient" => Reading::Refused,
        _ => Reading::Other,
    }
}

/// A parameter's name, cut: `subject:Patient.identifier`, `author.given:exact`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name<'a> {
    /// Before `:` and `.`.
    pub(super) base: &'a str,
    /// The type that a chain goes through.
    pub(super) target: Option<&'a str>,
    /// After `.`.
    pub(super) chain: Option<&'a str>,
    /// After the last `:`.
    pub(super) modifier: Option<&'a str>,
}

impl<'a> Name<'a> {
    pub(super) fn cut(name: &'a str) -> Self {
        let cut = |text: &'a str| text.split_once(':').map_or((text, None), |(before, after)| (before, Some(after)));
        let Some((head, chain)) = name.split_once('.') else {
            let (base, modifier) = cut(name);
            return Self { base, target: None, chain: None, modifier };
        };
        let ((base, target), (chain, modifier)) = (cut(head), cut(chain));
        Self { base, target, chain: Some(chain), modifier }
    }
}

/// `id`, `Patient/id`, or an absolute URL that ends so.
fn id(value: &str, naming: &Naming<'_>) -> Option<PatientClause> {
    let [value] = term::split(value, ',').try_into().ok()?;
    let text = term::unescape(&value);
    let normal = reference::normal(&text, naming);
    if reference::is_id(&normal) {
        return Some(PatientClause::Id(normal));
    }
    let is_url = normal.starts_with("https://") || normal.starts_with("http://");
    let tail = if is_url { normal.rsplit_once("/Patient/").map(|(_, id)| id) } else { normal.strip_prefix("Patient/") };
    tail.filter(|id| reference::is_id(id)).map(|id| PatientClause::Id(id.to_owned()))
}

/// One `system|value`: without its system an identifier names nobody.
fn identifier(value: &str) -> Option<PatientClause> {
    let [value] = term::split(value, ',').try_into().ok()?;
    let token = token::Token::read(&value)?;
    let system = token.system.filter(|system| !system.is_empty())?;
    (!token.code.is_empty()).then_some(PatientClause::Identifier { system, value: token.code })
}

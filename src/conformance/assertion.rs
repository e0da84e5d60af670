//! Judges an answer by an assertion (FHIR R4 `testscript.html` §assert).

use serde_json::Value;

use super::scope::{Exchange, Scope, body, by_path, sha1_of, texts};
use super::script::{Assert, Check, Operator};
use super::target::{Answer, NoAnswer};
use crate::fhir::path::Query;
use crate::fhir::validate::{self, Mode};

/// Judges; `Err` says what is not as it should be.
///
/// # Errors
/// In words: what was found and what was expected.
pub fn judge(assert: &Assert, scope: &Scope<'_>, profiles: &[(String, String)]) -> Result<(), String> {
    let source = assert.source.as_deref();
    let exchange = source.and_then(|id| scope.exchanges.get(id)).or(scope.last.as_ref());
    let expected = expected(assert, scope)?;
    let judged = Judged { assert, scope, exchange, expected };
    assert.checks.iter().try_for_each(|check| judged.check(check, profiles))
}

/// What the value is compared with.
fn expected(assert: &Assert, scope: &Scope<'_>) -> Result<Option<String>, String> {
    if let Some((id, expression, path)) = &assert.compare_to {
        let source = scope.source(id)?;
        let found = match (expression, path) {
            (Some(expression), _) => texts(&source, &scope.fill(expression)?)?,
            (None, Some(path)) => by_path(&source, path)?,
            (None, None) => return Err(format!("{id} is compared by an expression or a path")),
        };
        return Ok(Some(found.join(", ")));
    }
    assert.value.as_ref().map(|value| scope.fill(value)).transpose()
}

struct Judged<'a> {
    assert: &'a Assert,
    scope: &'a Scope<'a>,
    exchange: Option<&'a Exchange>,
    expected: Option<String>,
}

impl Judged<'_> {
    fn answer(&self) -> Result<&Answer, String> {
        let exchange = self.exchange.ok_or_else(|| "nothing was answered".to_owned())?;
        exchange.answer.as_ref().map_err(ToString::to_string)
    }

    /// The JSON that is asked: of a fixture where one is named, else of the answer.
    fn json(&self) -> Result<Value, String> {
        match self.assert.source.as_deref() {
            Some(id) => self.scope.source(id),
            None => body(self.answer()?),
        }
    }

    fn check(&self, check: &Check, profiles: &[(String, String)]) -> Result<(), String> {
        match check {
            Check::HandshakeRefused => self.refused(),
            Check::Response(code) => {
                let wanted = status_of(code).ok_or_else(|| format!("there is no response code {code}"))?;
                compare(&self.answer()?.status.to_string(), wanted, self.assert.operator, "status")
                    .map_err(|why| self.told(why))
            }
            Check::ResponseCode(codes) => {
                let is_one_of = codes.contains(',') && self.assert.operator == Operator::Equals;
                let operator = if is_one_of { Operator::In } else { self.assert.operator };
                compare(&self.answer()?.status.to_string(), codes, operator, "status").map_err(|why| self.told(why))
            }
            Check::ContentType(wanted) => {
                let wanted = match wanted.as_str() {
                    "json" => "application/fhir+json",
                    "xml" => "application/fhir+xml",
                    other => other,
                };
                let found = self.answer()?.header("content-type").unwrap_or_default();
                let found = found.split(';').next().unwrap_or_default().trim();
                compare(found, wanted, self.assert.operator, "content type")
            }
            Check::Header(name) => {
                let found = self.answer()?.header(name).unwrap_or_default();
                self.compared(found, name)
            }
            Check::Sha1 => self.compared(&sha1_of(&self.answer()?.body), "SHA-1 of the body"),
            Check::Path(path) => self.compared(&by_path(&self.json()?, path)?.join(", "), path),
            Check::Expression(expression) => self.expression(&self.scope.fill(expression)?),
            Check::Resource(wanted) => {
                let body = self.json()?;
                let found = body.get("resourceType").and_then(Value::as_str).unwrap_or("no resource");
                compare(found, wanted, self.assert.operator, "resource").map_err(|why| self.told(why))
            }
            Check::RequestMethod(wanted) => {
                let found = self.exchange.map(|exchange| exchange.request.method.as_str()).unwrap_or_default();
                compare(found, &wanted.to_ascii_uppercase(), self.assert.operator, "request method")
            }
            Check::RequestUrl => {
                let found = self.exchange.map(|exchange| exchange.request.url.clone()).unwrap_or_default();
                self.compared(&found, "request URL")
            }
            Check::Navigation => links(&self.json()?),
            Check::Minimum(id) => {
                let minimum = self.scope.source(id)?;
                missing(&minimum, &self.json()?, String::new())
                    .map_or(Ok(()), |place| Err(format!("of {id} there is not{place}")))
            }
            Check::Profile(id) => {
                let canonical = profiles.iter().find(|(known, _)| known == id).map(|(_, canonical)| canonical.as_str());
                valid(&self.json()?, canonical.ok_or_else(|| format!("no profile is called {id}"))?)
            }
            Check::SameAs(id) => {
                let other = self.scope.exchanges.get(id).ok_or_else(|| format!("{id} was not answered"))?;
                same(self.answer()?, other.answer.as_ref().map_err(ToString::to_string)?)
            }
        }
    }

    fn refused(&self) -> Result<(), String> {
        match self.exchange.map(|exchange| &exchange.answer) {
            Some(Err(NoAnswer::Refused(_))) => Ok(()),
            Some(Ok(answer)) => Err(format!("the connection was served: {}", answer.status)),
            Some(Err(other)) => Err(other.to_string()),
            None => Err("nothing was sent".to_owned()),
        }
    }

    fn expression(&self, expression: &str) -> Result<(), String> {
        let body = self.json()?;
        let is_alone = matches!(self.assert.operator, Operator::Empty | Operator::NotEmpty);
        if is_alone || self.expected.is_some() {
            return self.compared(&texts(&body, expression)?.join(", "), expression);
        }
        let query = Query::compile(expression).map_err(|error| format!("{expression}: {error}"))?;
        match query.holds(&body) {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.told(format!("not true: {expression}"))),
            Err(error) => Err(format!("{expression}: {error}")),
        }
    }

    fn compared(&self, found: &str, what: &str) -> Result<(), String> {
        compare(found, self.expected.as_deref().unwrap_or_default(), self.assert.operator, what)
    }

    /// With what an OperationOutcome says, where the answer is one.
    fn told(&self, why: String) -> String {
        let Ok(body) = self.answer().and_then(body) else { return why };
        let codes = texts(&body, "OperationOutcome.issue.details.coding.code").unwrap_or_default();
        if codes.is_empty() { why } else { format!("{why} ({})", codes.join(", ")) }
    }
}

/// The status of a code of `http://hl7.org/fhir/assert-response-code-types`.
fn status_of(code: &str) -> Option<&'static str> {
    Some(match code {
        "okay" => "200",
        "created" => "201",
        "noContent" => "204",
        "notModified" => "304",
        "bad" => "400",
        "forbidden" => "403",
        "notFound" => "404",
        "methodNotAllowed" => "405",
        "conflict" => "409",
        "gone" => "410",
        "preconditionFailed" => "412",
        "unprocessable" => "422",
        _ => return None,
    })
}

/// Whether what was found stands to what was expected as the operator says.
fn compare(found: &str, expected: &str, operator: Operator, what: &str) -> Result<(), String> {
    let one_of = || expected.split(',').any(|one| one.trim() == found);
    let order = || match (found.parse::<f64>(), expected.parse::<f64>()) {
        (Ok(found), Ok(expected)) => found.partial_cmp(&expected),
        _ => Some(found.cmp(expected)),
    };
    let (holds, words) = match operator {
        Operator::Equals | Operator::Eval => (found == expected, "expected"),
        Operator::NotEquals => (found != expected, "anything expected but"),
        Operator::In => (one_of(), "expected one of"),
        Operator::NotIn => (!one_of(), "expected none of"),
        Operator::GreaterThan => (order().is_some_and(std::cmp::Ordering::is_gt), "expected more than"),
        Operator::LessThan => (order().is_some_and(std::cmp::Ordering::is_lt), "expected less than"),
        Operator::Empty => (found.is_empty(), "expected nothing"),
        Operator::NotEmpty => (!found.is_empty(), "expected something"),
        Operator::Contains => (found.contains(expected), "expected in it"),
        Operator::NotContains => (!found.contains(expected), "not expected in it"),
    };
    if holds { Ok(()) } else { Err(format!("{what}: found `{}`, {words} `{expected}`", shortened(found))) }
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(200).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

fn links(body: &Value) -> Result<(), String> {
    let relations = texts(body, "Bundle.link.relation")?;
    let absent: Vec<_> = ["first", "last", "next"].into_iter().filter(|r| !relations.iter().any(|k| k == r)).collect();
    if absent.is_empty() { Ok(()) } else { Err(format!("links are missing: {}", absent.join(", "))) }
}

/// The place of what is in one value and not in the other; arrays in any order.
fn missing(minimum: &Value, found: &Value, place: String) -> Option<String> {
    match (minimum, found) {
        (Value::Object(members), Value::Object(other)) => members.iter().find_map(|(name, value)| {
            let place = format!("{place}.{name}");
            match other.get(name) {
                Some(other) => missing(value, other, place),
                None => Some(place),
            }
        }),
        (Value::Array(items), Value::Array(others)) => items.iter().enumerate().find_map(|(number, item)| {
            let is_there = others.iter().any(|other| missing(item, other, String::new()).is_none());
            (!is_there).then(|| format!("{place}[{number}]"))
        }),
        (minimum, found) => (minimum != found).then_some(place),
    }
}

fn valid(resource: &Value, canonical: &str) -> Result<(), String> {
    let is_base = canonical.starts_with("http://hl7.org/fhir/StructureDefinition/");
    let issues = if is_base {
        let kind = resource.get("resourceType").and_then(Value::as_str).unwrap_or_default();
        if !canonical.ends_with(&format!("/{kind}")) {
            return Err(format!("a {kind} is not of {canonical}"));
        }
        validate::structural(resource)
    } else if validate::knows(canonical) {
        validate::profile(resource, canonical, &Mode::default())
    } else {
        return Err(format!("the profile {canonical} is not known here"));
    };
    match issues.iter().find(|issue| !issue.is_warning) {
        None => Ok(()),
        Some(issue) => Err(format!("not valid: {issue:?}")),
    }
}

/// Two answers that must not be told apart: all but the bundle's id and instant and sealed links.
fn same(one: &Answer, other: &Answer) -> Result<(), String> {
    let plain = |answer: &Answer| {
        let mut body = body(answer).unwrap_or_default();
        if let Some(members) = body.as_object_mut().filter(|members| members.contains_key("total")) {
            for name in ["id", "meta", "link"] {
                members.shift_remove(name);
            }
        }
        (answer.status, answer.header("content-type").map(str::to_owned), answer.body.len(), body)
    };
    if plain(one) == plain(other) { Ok(()) } else { Err("the two answers can be told apart".to_owned()) }
}

//! Reads a TestScript strictly (FHIR R4 `testscript.html`): what is not played is refused, never passed over.

use serde_json::{Map, Value};

use super::script::{
    Action, Assert, Change, Check, EXTENSION, Fixture, Operation, Operator, Origin, Script, Test, Variable,
};
use crate::fhir::codec::json;
use crate::fhir::path::Query;

/// Why a script cannot be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {place}: {why}")]
pub struct ScriptFault {
    /// The file.
    pub path: String,
    /// The element.
    pub place: String,
    /// What is wrong with it.
    pub why: String,
}

type Result<T> = std::result::Result<T, ScriptFault>;

/// An object of the script with the place where it stands; what is not taken is refused at its end.
struct Part<'a> {
    path: &'a str,
    place: String,
    members: Map<String, Value>,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// Names the element that is not JSON, not a TestScript or not played here.
    pub fn parse(path: &str, bytes: &[u8]) -> Result<Self> {
        let fault = |place: &str, why: String| ScriptFault { path: path.to_owned(), place: place.to_owned(), why };
        let value = json::parse(bytes).map_err(|error| fault("TestScript", error.to_string()))?;
        let Value::Object(members) = value else {
            return Err(fault("TestScript", "not an object".to_owned()));
        };
        let mut root = Part { path, place: "TestScript".to_owned(), members };
        if root.text("resourceType")?.as_deref() != Some("TestScript") {
            return Err(root.fault("not a TestScript"));
        }
        // For people and for registries of scripts: nothing is played by them.
        for told in ["id", "meta", "status", "date", "publisher", "description", "metadata", "copyright", "purpose"] {
            root.members.shift_remove(told);
        }
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let script = Self {
            path: path.to_owned(),
            url: root.required("url")?,
            name: root.required("name")?,
            title: root.required("title")?,
            origins: root.parts("origin")?.into_iter().map(origin).collect::<Result<_>>()?,
            profiles: root.parts("profile")?.into_iter().map(profile).collect::<Result<_>>()?,
            fixtures: root.parts("fixture")?.into_iter().map(|part| fixture(part, folder)).collect::<Result<_>>()?,
            variables: root.parts("variable")?.into_iter().map(variable).collect::<Result<_>>()?,
            setup: root.part("setup")?.map(actions).transpose()?.unwrap_or_default(),
            tests: root.parts("test")?.into_iter().map(test).collect::<Result<_>>()?,
            teardown: root.part("teardown")?.map(actions).transpose()?.unwrap_or_default(),
        };
        root.end()?;
        Ok(script)
    }
}

impl<'a> Part<'a> {
    fn fault(&self, why: impl Into<String>) -> ScriptFault {
        ScriptFault { path: self.path.to_owned(), place: self.place.clone(), why: why.into() }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.members.shift_remove(name)
    }

    fn text(&mut self, name: &str) -> Result<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.fault(format!("{name} is not a text"))),
        }
    }

    fn required(&mut self, name: &str) -> Result<String> {
        self.text(name)?.ok_or_else(|| self.fault(format!("{name} is missing")))
    }

    fn truth(&mut self, name: &str) -> Result<bool> {
        match self.take(name) {
            None => Ok(false),
            Some(Value::Bool(truth)) => Ok(truth),
            Some(_) => Err(self.fault(format!("{name} is not a boolean"))),
        }
    }

    fn integer(&mut self, name: &str) -> Result<Option<i64>> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| self.fault(format!("{name} is not an integer"))),
        }
    }

    fn part(&mut self, name: &str) -> Result<Option<Part<'a>>> {
        let place = format!("{}.{name}", self.place);
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(Part { path: self.path, place, members })),
            Some(_) => Err(self.fault(format!("{name} is not an object"))),
        }
    }

    fn parts(&mut self, name: &str) -> Result<Vec<Part<'a>>> {
        let items = match self.take(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(self.fault(format!("{name} is not an array"))),
        };
        let mut parts = Vec::new();
        for (number, item) in items.into_iter().enumerate() {
            let place = format!("{}.{name}[{number}]", self.place);
            let Value::Object(members) = item else {
                return Err(self.fault(format!("{name}[{number}] is not an object")));
            };
            parts.push(Part { path: self.path, place, members });
        }
        Ok(parts)
    }

    /// Our extensions, by the end of their URL; any other is refused.
    fn extensions(&mut self) -> Result<Vec<(String, Part<'a>)>> {
        let mut found = Vec::new();
        for mut part in self.parts("extension")? {
            let url = part.required("url")?;
            let name = url.strip_prefix(EXTENSION).or_else(|| (!url.contains(':')).then_some(url.as_str()));
            let name = name.ok_or_else(|| part.fault(format!("the extension {url} is not played")))?.to_owned();
            found.push((name, part));
        }
        Ok(found)
    }

    /// The value of an extension.
    fn value(mut self) -> Result<String> {
        let value = self.text("valueString")?.or(self.text("valueCode")?);
        let value = value.ok_or_else(|| self.fault("valueString is missing"))?;
        self.end()?;
        Ok(value)
    }

    fn end(self) -> Result<()> {
        match self.members.keys().next() {
            None => Ok(()),
            Some(name) => Err(self.fault(format!("{name} is not played"))),
        }
    }
}

fn origin(mut part: Part<'_>) -> Result<Origin> {
    let mut origin = Origin { index: part.integer("index")?.unwrap_or(0), ..Origin::default() };
    part.take("profile");
    for (name, mut extension) in part.extensions()? {
        if name != "identity" {
            return Err(extension.fault(format!("the extension {name} is not played here")));
        }
        for (name, inner) in extension.extensions()? {
            let place = match name.as_str() {
                "certificate" => &mut origin.certificate,
                "persona" => &mut origin.persona,
                "scope" => &mut origin.scope,
                "patient" => &mut origin.patient,
                _ => return Err(inner.fault(format!("an identity has no {name}"))),
            };
            *place = Some(inner.value()?);
        }
        extension.end()?;
    }
    part.end()?;
    Ok(origin)
}

fn profile(mut part: Part<'_>) -> Result<(String, String)> {
    let named = (part.required("id")?, part.required("reference")?);
    part.end()?;
    Ok(named)
}

fn fixture(mut part: Part<'_>, folder: &str) -> Result<Fixture> {
    let mut reference = part.part("resource")?.ok_or_else(|| part.fault("resource is missing"))?;
    let file = reference.required("reference")?;
    reference.end()?;
    let mut fixture = Fixture {
        id: part.required("id")?,
        file: match file.strip_prefix("../") {
            Some(file) => file.to_owned(),
            None => format!("{folder}/{file}"),
        },
        autocreate: part.truth("autocreate")?,
        autodelete: part.truth("autodelete")?,
        ..Fixture::default()
    };
    for (name, mut extension) in part.extensions()? {
        let mut inner = extension.extensions()?.into_iter();
        let mut texts = Vec::new();
        for (name, part) in inner.by_ref() {
            texts.push((name, part.value()?));
        }
        extension.end()?;
        let find = |wanted: &str| texts.iter().find(|(name, _)| name == wanted).map(|(_, text)| text.clone());
        match (name.as_str(), find("name"), find("pointer"), find("value")) {
            ("with", Some(name), None, Some(value)) => fixture.with.push((name, value)),
            ("change", None, Some(pointer), value) => {
                let value = value.map(|text| json::parse(text.as_bytes())).transpose();
                let value = value.map_err(|error| part.fault(error.to_string()))?;
                fixture.changes.push(Change { pointer, value });
            }
            _ => return Err(part.fault(format!("the extension {name} is not played here"))),
        }
    }
    part.end()?;
    Ok(fixture)
}

fn variable(mut part: Part<'_>) -> Result<Variable> {
    part.take("description");
    part.take("hint");
    let variable = Variable {
        name: part.required("name")?,
        default: part.text("defaultValue")?,
        expression: part.text("expression")?,
        header: part.text("headerField")?,
        path: part.text("path")?,
        source: part.text("sourceId")?,
    };
    if let Some(expression) = &variable.expression {
        compiles(&part, expression)?;
    }
    let is_taken = variable.expression.is_some() || variable.header.is_some() || variable.path.is_some();
    if is_taken != variable.source.is_some() || (!is_taken && variable.default.is_none()) {
        return Err(part.fault("a variable has a source and a place in it, or a default"));
    }
    part.end()?;
    Ok(variable)
}

fn compiles(part: &Part<'_>, expression: &str) -> Result<()> {
    // Names are put in when it is played; any text stands for them here.
    let mut plain = String::new();
    let mut rest = expression;
    while let Some((before, after)) = rest.split_once("${") {
        plain.push_str(before);
        plain.push('1');
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    Query::compile(&plain).map(drop).map_err(|error| part.fault(format!("{expression}: {error}")))
}

fn test(mut part: Part<'_>) -> Result<Test> {
    let name = part.required("name")?;
    let description = part.required("description")?;
    let mut requirements = Vec::new();
    for (name, extension) in part.extensions()? {
        if name != "requirement" {
            return Err(extension.fault(format!("the extension {name} is not played here")));
        }
        requirements.push(extension.value()?);
    }
    part.take("id");
    let test = Test { name, description, requirements, actions: actions(part)? };
    Ok(test)
}

fn actions(mut part: Part<'_>) -> Result<Vec<Action>> {
    let mut found = Vec::new();
    for mut action in part.parts("action")? {
        let read = match (action.part("operation")?, action.part("assert")?) {
            (Some(operation), None) => Action::Operation(Box::new(self::operation(operation)?)),
            (None, Some(assert)) => Action::Assert(Box::new(self::assert(assert)?)),
            _ => return Err(action.fault("an action is an operation or an assert")),
        };
        action.end()?;
        found.push(read);
    }
    part.end()?;
    Ok(found)
}

fn operation(mut part: Part<'_>) -> Result<Operation> {
    let kind = match part.part("type")? {
        Some(mut coding) => {
            coding.take("system");
            let code = coding.required("code")?;
            coding.end()?;
            Some(code)
        }
        None => None,
    };
    let mut headers = Vec::new();
    for mut header in part.parts("requestHeader")? {
        headers.push((header.required("field")?, header.required("value")?));
        header.end()?;
    }
    let operation = Operation {
        kind,
        headers,
        resource: part.text("resource")?,
        label: part.text("label")?,
        description: part.text("description")?,
        accept: part.text("accept")?,
        content_type: part.text("contentType")?,
        method: part.text("method")?,
        origin: part.integer("origin")?,
        params: part.text("params")?,
        response_id: part.text("responseId")?,
        request_id: part.text("requestId")?,
        source_id: part.text("sourceId")?,
        target_id: part.text("targetId")?,
        url: part.text("url")?,
        encode: part.truth("encodeRequestUrl")?,
    };
    if operation.kind.is_none() && operation.method.is_none() {
        return Err(part.fault("type or method is missing"));
    }
    part.end()?;
    Ok(operation)
}

/// A check of the text that it asks.
type Make = fn(String) -> Check;

fn assert(mut part: Part<'_>) -> Result<Assert> {
    let mut assert = Assert {
        label: part.text("label")?,
        description: part.text("description")?,
        value: part.text("value")?,
        source: part.text("sourceId")?,
        warning_only: part.truth("warningOnly")?,
        ..Assert::default()
    };
    let operator = part.text("operator")?;
    if let Some(code) = &operator {
        assert.operator = Operator::from_code(code).ok_or_else(|| part.fault(format!("no operator {code}")))?;
    }
    let place = (part.text("compareToSourceExpression")?, part.text("compareToSourcePath")?);
    assert.compare_to = part.text("compareToSourceId")?.map(|id| (id, place.0, place.1));
    if part.text("direction")?.is_some_and(|direction| direction != "response") {
        return Err(part.fault("only answers are asserted"));
    }
    if let Some(expression) = part.text("expression")? {
        compiles(&part, &expression)?;
        assert.checks.push(Check::Expression(expression));
    }
    let texts: [(&str, Make); 9] = [
        ("contentType", Check::ContentType),
        ("headerField", Check::Header),
        ("minimumId", Check::Minimum),
        ("path", Check::Path),
        ("requestMethod", Check::RequestMethod),
        ("resource", Check::Resource),
        ("response", Check::Response),
        ("responseCode", Check::ResponseCode),
        ("validateProfileId", Check::Profile),
    ];
    for (name, make) in texts {
        assert.checks.extend(part.text(name)?.map(make));
    }
    if let Some(url) = part.text("requestURL")? {
        assert.checks.push(Check::RequestUrl);
        assert.value = Some(url);
    }
    if part.truth("navigationLinks")? {
        assert.checks.push(Check::Navigation);
    }
    for (name, mut extension) in part.extensions()? {
        match name.as_str() {
            "stop-test-on-fail" => assert.stop_on_fail = extension.truth("valueBoolean")?,
            "handshake-refused" if extension.truth("valueBoolean")? => assert.checks.push(Check::HandshakeRefused),
            "body-sha1" if extension.truth("valueBoolean")? => assert.checks.push(Check::Sha1),
            "same-as" => assert.checks.push(Check::SameAs(extension.required("valueString")?)),
            _ => return Err(extension.fault(format!("the extension {name} is not played here"))),
        }
        extension.end()?;
    }
    checked(&part, &assert, operator.is_some())?;
    part.end()?;
    Ok(assert)
}

/// An assertion asks something, and has something to compare with.
fn checked(part: &Part<'_>, assert: &Assert, has_operator: bool) -> Result<()> {
    if assert.checks.is_empty() {
        return Err(part.fault("nothing is asked"));
    }
    let is_open = |check: &Check| matches!(check, Check::Header(_) | Check::Path(_) | Check::Sha1);
    let is_alone = matches!(assert.operator, Operator::Empty | Operator::NotEmpty);
    let has_other = assert.value.is_some() || assert.compare_to.is_some();
    if assert.checks.iter().any(is_open) && !has_other && !is_alone {
        return Err(part.fault("there is nothing to compare with"));
    }
    let is_expression = assert.checks.iter().any(|check| matches!(check, Check::Expression(_)));
    if is_expression && !has_other && has_operator && !is_alone && assert.operator != Operator::Eval {
        return Err(part.fault("there is nothing to compare with"));
    }
    if assert.operator == Operator::Eval && !is_expression {
        return Err(part.fault("eval is asked of an expression"));
    }
    Ok(())
}

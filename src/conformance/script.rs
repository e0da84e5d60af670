//! What a TestScript says, as far as it is played (FHIR R4 `testscript.html`), and our extensions of it.

use serde_json::Value;

/// Where our extensions of TestScript are named: `testscript-NAME`.
pub const EXTENSION: &str = "urn:espace:conformance:testscript-";

/// One script.
#[derive(Debug, Clone)]
pub struct Script {
    /// Its file, `SUITE/NAME.json`.
    pub path: String,
    /// `TestScript.url`.
    pub url: String,
    /// `TestScript.name`.
    pub name: String,
    /// `TestScript.title`, for people.
    pub title: String,
    /// Who speaks: `TestScript.origin`, by index.
    pub origins: Vec<Origin>,
    /// Profiles that answers are validated against: id and canonical.
    pub profiles: Vec<(String, String)>,
    /// What is sent.
    pub fixtures: Vec<Fixture>,
    /// What is taken out of answers or given beforehand.
    pub variables: Vec<Variable>,
    /// What comes first; where it fails, no test is run.
    pub setup: Vec<Action>,
    /// The tests.
    pub tests: Vec<Test>,
    /// What comes last, whatever failed.
    pub teardown: Vec<Action>,
}

/// Who speaks (`TestScript.origin` with the extension `identity`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// `origin.index`.
    pub index: i64,
    /// Whose certificate, by the name of a structure; none: a client without a certificate.
    pub certificate: Option<String>,
    /// Who has the token; none: requests carry no token.
    pub persona: Option<String>,
    /// The scopes asked for; none: everything the persona may have.
    pub scope: Option<String>,
    /// The only record that the token serves, by persona.
    pub patient: Option<String>,
}

/// A body to send.
#[derive(Debug, Clone, Default)]
pub struct Fixture {
    /// `fixture.id`.
    pub id: String,
    /// The file, from the folder of the suites.
    pub file: String,
    /// Values of `${names}` in this fixture alone.
    pub with: Vec<(String, String)>,
    /// What is put elsewhere, or taken away, in a JSON fixture.
    pub changes: Vec<Change>,
    /// Created before the setup.
    pub autocreate: bool,
    /// Deleted after the teardown.
    pub autodelete: bool,
}

/// A change of a JSON fixture.
#[derive(Debug, Clone)]
pub struct Change {
    /// A JSON pointer; `-` at its end appends to an array.
    pub pointer: String,
    /// What is put there; none: what stands there is taken away.
    pub value: Option<Value>,
}

/// A variable.
#[derive(Debug, Clone, Default)]
pub struct Variable {
    /// `variable.name`.
    pub name: String,
    /// `variable.defaultValue`.
    pub default: Option<String>,
    /// `variable.expression`: FHIRPath over the source.
    pub expression: Option<String>,
    /// `variable.headerField` of the source.
    pub header: Option<String>,
    /// `variable.path`: a JSON path over the source.
    pub path: Option<String>,
    /// `variable.sourceId`: a response or a fixture.
    pub source: Option<String>,
}

/// A test.
#[derive(Debug, Clone)]
pub struct Test {
    /// `test.name`.
    pub name: String,
    /// `test.description`.
    pub description: String,
    /// Ids of conformance/requirements that it proves.
    pub requirements: Vec<String>,
    /// What is done.
    pub actions: Vec<Action>,
}

/// An operation or an assertion.
#[derive(Debug, Clone)]
pub enum Action {
    /// Something is sent.
    Operation(Box<Operation>),
    /// Something must be true.
    Assert(Box<Assert>),
}

/// `operation`.
#[derive(Debug, Clone, Default)]
pub struct Operation {
    /// `type.code`.
    pub kind: Option<String>,
    /// `resource`.
    pub resource: Option<String>,
    /// `label`.
    pub label: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// `accept`.
    pub accept: Option<String>,
    /// `contentType`.
    pub content_type: Option<String>,
    /// `method`.
    pub method: Option<String>,
    /// `origin`.
    pub origin: Option<i64>,
    /// `params`.
    pub params: Option<String>,
    /// `requestHeader`.
    pub headers: Vec<(String, String)>,
    /// `responseId`.
    pub response_id: Option<String>,
    /// `requestId`.
    pub request_id: Option<String>,
    /// `sourceId`.
    pub source_id: Option<String>,
    /// `targetId`.
    pub target_id: Option<String>,
    /// `url`.
    pub url: Option<String>,
    /// `encodeRequestUrl`.
    pub encode: bool,
}

/// `assert`.
#[derive(Debug, Clone, Default)]
pub struct Assert {
    /// `label`.
    pub label: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// What is asked of the answer or of a source; several are asked one by one.
    pub checks: Vec<Check>,
    /// `operator`; equals where absent.
    pub operator: Operator,
    /// `value`.
    pub value: Option<String>,
    /// `compareToSourceId` with its expression or path.
    pub compare_to: Option<(String, Option<String>, Option<String>)>,
    /// `sourceId`; the last answer where absent.
    pub source: Option<String>,
    /// `warningOnly`.
    pub warning_only: bool,
    /// The test ends where this fails (R5 `stopTestOnFail`, an extension in R4).
    pub stop_on_fail: bool,
}

/// One question of an assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// `contentType`.
    ContentType(String),
    /// `expression`.
    Expression(String),
    /// `headerField`.
    Header(String),
    /// `minimumId`: everything of this fixture is in the answer.
    Minimum(String),
    /// `navigationLinks`: first, last and next of a Bundle.
    Navigation,
    /// `path`.
    Path(String),
    /// `requestMethod`.
    RequestMethod(String),
    /// `requestURL`.
    RequestUrl,
    /// `resource`.
    Resource(String),
    /// `response`.
    Response(String),
    /// `responseCode`.
    ResponseCode(String),
    /// `validateProfileId`: a canonical of `TestScript.profile`, or the base resource.
    Profile(String),
    /// Our extension `sha1`: the SHA-1 of the body in base64.
    Sha1,
    /// Our extension `same-as`: status and body are those of another response, but for the sources of chance.
    SameAs(String),
    /// Our extension `handshake-refused`: there was no answer, the connection was refused.
    HandshakeRefused,
}

/// `operator`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Operator {
    /// `equals`.
    #[default]
    Equals,
    /// `notEquals`.
    NotEquals,
    /// `in`: of a list parted by commas.
    In,
    /// `notIn`.
    NotIn,
    /// `greaterThan`.
    GreaterThan,
    /// `lessThan`.
    LessThan,
    /// `empty`.
    Empty,
    /// `notEmpty`.
    NotEmpty,
    /// `contains`.
    Contains,
    /// `notContains`.
    NotContains,
    /// `eval`: the expression itself is true.
    Eval,
}

impl Operator {
    /// The operator of a code of `http://hl7.org/fhir/assert-operator-codes`.
    pub fn from_code(code: &str) -> Option<Self> {
        Some(match code {
            "equals" => Self::Equals,
            "notEquals" => Self::NotEquals,
            "in" => Self::In,
            "notIn" => Self::NotIn,
            "greaterThan" => Self::GreaterThan,
            "lessThan" => Self::LessThan,
            "empty" => Self::Empty,
            "notEmpty" => Self::NotEmpty,
            "contains" => Self::Contains,
            "notContains" => Self::NotContains,
            "eval" => Self::Eval,
            _ => return None,
        })
    }
}

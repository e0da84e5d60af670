//! ITI-106 Generate Metadata: the fiche of a CDA, made from its header and given back; nothing is
//! kept but the trace (MHD §1.8; document-sharing §3.2, §4; contract §7).
//!
//! The document passes by: its hash is computed while it does, and only its first bytes, where the
//! header is, stay in memory.

use std::sync::Arc;

use serde_json::Value;
use sha1::{Digest as _, Sha1};

use super::header::{is_cda, missing_traits};
use crate::access::context::Context;
use crate::cda::{self, Header};
use crate::error::{Code, Error, Issue};
use crate::fhir::bundle::{BodyLimits, BodyStream, Shape, Sink};
use crate::fhir::codec::{Syntax, json};
use crate::fhir::validate::{self, Conformance, Mode};
use crate::ids::{ElementPath, Ins};
use crate::ihe::mhd::{Described, Integrity, Pack, class_of, document_reference};
use crate::model::audit::Act;
use crate::ops::facts;
use crate::ops::trace::Trace;
use crate::ops::{Domain, Service};
use crate::store::Settled;

/// Bytes of a document kept for its header: that of a self-presentable document follows its stylesheet.
const HEAD: usize = 4 * 1024 * 1024;

/// A document passing by.
#[derive(Default)]
pub struct Passing {
    sha1: Sha1,
    size: u64,
    head: Vec<u8>,
    documents: usize,
    limit: u64,
}

impl Passing {
    /// A document of at most `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Takes the next bytes; [`Code::TooLarge`] beyond the limit.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.size = self.size.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.size > self.limit {
            return Err(Code::TooLarge.into());
        }
        self.sha1.update(bytes);
        let room = HEAD.saturating_sub(self.head.len());
        self.head.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        Ok(())
    }

    /// The document has passed; `content_type` is what it was sent as.
    pub fn submitted(self, content_type: &str) -> Submitted {
        Submitted {
            content_type: content_type.to_owned(),
            integrity: Integrity { size: self.size, sha1: self.sha1.finalize().into() },
            is_whole: u64::try_from(self.head.len()).is_ok_and(|head| head == self.size),
            head: self.head,
        }
    }
}

impl Sink for Passing {
    fn begin(&mut self, _n: usize) -> Result<(), Error> {
        self.documents = self.documents.saturating_add(1);
        if self.documents > 1 { Err(Issue::new(Code::Profile).rule("MHD ITI-106").into()) } else { Ok(()) }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.take(bytes)
    }

    fn end(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// A document in a FHIR body, passing by: `Parameters` around a `Binary`, or the `Binary` alone.
pub struct Parameters {
    stream: BodyStream<Passing>,
}

impl Parameters {
    /// Begins to read a body whose document has at most `limit` bytes.
    pub fn begin(syntax: Syntax, limit: u64) -> Self {
        Self { stream: BodyStream::of(syntax, Shape::Parameters, Passing::new(limit), BodyLimits::default()) }
    }

    /// Takes the next piece of the body.
    pub fn take(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.stream.feed(piece)
    }

    /// The body is complete: the document, and that it is one.
    pub fn finish(self) -> Result<Submitted, Error> {
        let (bytes, passing) = self.stream.finish()?;
        let body = json::parse(&bytes)?;
        let issues = validate::structural_with(&body, validate::Options { data_was_cut: true });
        if issues.iter().any(|issue| !issue.is_warning) {
            return Err(Error::many(issues));
        }
        let (document, path) = document_of(&body)?;
        match document.get("resourceType").and_then(Value::as_str) {
            Some("Binary") if passing.documents == 1 => {
                let content_type = document.get("contentType").and_then(Value::as_str).unwrap_or_default();
                Ok(passing.submitted(content_type))
            }
            Some("Binary") => Err(Issue::new(Code::Missing).at(path.child("data")).rule("MHD ITI-106").into()),
            Some("Bundle") => Err(Issue::new(Code::NotSupported).at(path).rule("FHIRDocumentNotSupported").into()),
            _ => Err(Issue::new(Code::Profile).at(path).rule("MHD ITI-106").detail("(Binary)").into()),
        }
    }
}

/// The one parameter `document` (GenerateMetadata.Parameters.In), or the body itself.
fn document_of(body: &Value) -> Result<(&Value, ElementPath), Error> {
    let kind = body.get("resourceType").and_then(Value::as_str).unwrap_or_default();
    if kind != "Parameters" {
        return Ok((body, ElementPath::root(kind)));
    }
    let path = ElementPath::root("Parameters").child("parameter");
    let rule = "GenerateMetadata.Parameters.In";
    let parameters = body.get("parameter").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let [parameter] = parameters else {
        let code = if parameters.is_empty() { Code::Missing } else { Code::Profile };
        return Err(Issue::new(code).at(path).rule(rule).detail("(1..1)").into());
    };
    let path = path.index(0);
    if parameter.get("name").and_then(Value::as_str) != Some("document") {
        return Err(Issue::new(Code::Profile).at(path.child("name")).rule(rule).detail("(document)").into());
    }
    let resource = parameter.get("resource");
    let missing = || Error::from(Issue::new(Code::Missing).at(path.child("resource")).rule(rule));
    Ok((resource.ok_or_else(missing)?, path.child("resource")))
}

/// A document that has passed: its header, if it has one, is in `head`.
pub struct Submitted {
    content_type: String,
    integrity: Integrity,
    head: Vec<u8>,
    is_whole: bool,
}

/// What was made of a document.
#[derive(Debug)]
pub struct Generated {
    /// The fiche; `attachment.url` is for the sender to say.
    pub fiche: Value,
    /// What the header lacks without refusing.
    pub warnings: Vec<Issue>,
}

/// Makes the fiche of a document. [`Code::Document`] for what is no CDA, [`Code::Missing`] where the
/// header lacks what metadata demand.
pub fn describe(submitted: &Submitted, service: &Service, mode: &Mode, ctx: &Context) -> Result<Generated, Error> {
    if !is_cda(&submitted.content_type) {
        let path = ElementPath::root("Binary").child("contentType");
        return Err(Issue::new(Code::Document).at(path).rule("MHD ITI-106").detail("(CDA)").into());
    }
    let header = cda::read_header(&submitted.head)?;
    if submitted.is_whole {
        cda::probe(&submitted.head)?;
    }
    let warnings = wanting(&header, mode)?;
    let subject = subject_of(&header, service.settings.domain)?;
    let described = Described {
        header: &header,
        integrity: submitted.integrity,
        content_type: &submitted.content_type,
        url: None,
        subject: &subject,
        at: ctx.at,
        pack: Pack::Pdsm,
        flags: &[],
        author: None,
        replaces: None,
        class_of: &class_of,
    };
    let fiche = document_reference(&described, service.ids.uuid(ctx.at)).map_err(Issue::from)?;
    Ok(Generated { fiche, warnings })
}

/// What CI-SIS demands of a header and this one lacks: refused in strict mode, else told (ds 74).
fn wanting(header: &Header, mode: &Mode) -> Result<Vec<Issue>, Error> {
    let path = ElementPath::root("ClinicalDocument");
    let mut issues: Vec<Issue> = Vec::new();
    for missing in header.missing() {
        let at = ElementPath::root(format!("{}.{}", path.as_str(), missing.replace('/', ".")));
        issues.push(Issue::new(Code::Missing).at(at).rule("CI-SIS structurationMinimale"));
    }
    issues.extend(missing_traits(header, &path));
    if mode.mode == Conformance::Strict && !issues.is_empty() {
        return Err(Error::many(issues));
    }
    Ok(issues.into_iter().map(Issue::warning).collect())
}

/// The INS of the header, in a domain that is served.
fn subject_of(header: &Header, domain: Domain) -> Result<Ins, Error> {
    let path = ElementPath::root("ClinicalDocument.recordTarget.patientRole.id");
    let stated = header.patient.ids.iter().filter_map(|id| {
        let value = id.extension.as_deref()?;
        Ins::parse(&id.root, value).ok()
    });
    let mut first = None;
    for ins in stated {
        match domain.read_ins(ins.system().as_ref(), ins.value()) {
            Ok(ins) => return Ok(ins),
            Err(issue) => first = first.or(Some(issue)),
        }
    }
    let issue = first.unwrap_or_else(|| Issue::new(Code::Missing).rule("CDA recordTarget"));
    Err(issue.at(path).into())
}

/// Leaves the trace of what was made. No record is named: none was looked for.
pub async fn traced(service: &Service, ctx: Arc<Context>) -> Result<(), Error> {
    let trace = Trace::of(&ctx, service.ids.uuid(ctx.at), Act::GenerateMetadata);
    let settled = service.store.write("document.generate-metadata", Arc::clone(&ctx), move |tx| {
        Ok(match facts::enrolment(tx, &ctx)? {
            Err(denial) => Settled::<()>::refused(denial, trace.clone().refused(&denial)),
            Ok(()) => Settled::done((), trace.clone().done("MHD ITI-106")),
        })
    });
    settled.await?.into_result()
}

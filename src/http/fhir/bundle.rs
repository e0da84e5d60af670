//! Search answers, spliced from stored bytes: a resource is never parsed to be sent.

use crate::access::context::Context;
use crate::error::Issue;
use crate::fhir::outcome::{self, Frame};
use crate::http::app::App;

/// A searchset being written.
pub(super) struct SearchSet {
    json: String,
    has_entries: bool,
    has_links: bool,
}

impl SearchSet {
    /// Begins a searchset with its id, its instant and, where known, its total.
    pub(super) fn begin(id: &str, at: jiff::Timestamp, total: Option<i64>, capacity: usize) -> Self {
        let mut json = String::with_capacity(capacity + 512);
        json.push_str(r#"{"resourceType":"Bundle","id":""#);
        json.push_str(id);
        json.push_str(r#"","meta":{"lastUpdated":""#);
        json.push_str(&crate::ops::resource::stamp::instant(at));
        json.push_str(r#""},"type":"searchset""#);
        if let Some(total) = total {
            json.push_str(r#","total":"#);
            json.push_str(&total.to_string());
        }
        Self { json, has_entries: false, has_links: false }
    }

    /// Adds a link; before any entry.
    pub(super) fn link(&mut self, relation: &str, url: &str) {
        self.json.push_str(if self.has_links { "," } else { r#","link":["# });
        self.has_links = true;
        self.json.push_str(r#"{"relation":""#);
        self.json.push_str(relation);
        self.json.push_str(r#"","url":"#);
        self.json.push_str(&serde_json::Value::from(url).to_string());
        self.json.push('}');
    }

    /// Adds a resource.
    pub(super) fn entry(&mut self, full_url: &str, resource: &str, mode: &str) {
        self.begin_entry(full_url);
        self.json.push_str(resource);
        self.end_entry(mode);
    }

    /// Adds a stored resource as it is sent.
    pub(super) fn stored_entry(&mut self, full_url: &str, body: &[u8], base: &str, mode: &str) {
        self.begin_entry(full_url);
        push_outward(&mut self.json, body, base);
        self.end_entry(mode);
    }

    fn begin_entry(&mut self, full_url: &str) {
        self.open_entry();
        self.json.push_str(r#"{"fullUrl":""#);
        self.json.push_str(full_url);
        self.json.push_str(r#"","resource":"#);
    }

    fn end_entry(&mut self, mode: &str) {
        self.json.push_str(r#","search":{"mode":""#);
        self.json.push_str(mode);
        self.json.push_str(r#""}}"#);
    }

    /// Adds what was ignored or must be said, as an outcome entry.
    pub(super) fn outcome(&mut self, app: &App, ctx: &Context, issues: &[Issue]) {
        self.told(&Frame { base: &app.base, language: ctx.language, request: Some(&ctx.request_id) }, issues);
    }

    /// The same for a caller who is known by a certificate alone.
    pub(super) fn told(&mut self, frame: &Frame<'_>, issues: &[Issue]) {
        if issues.is_empty() {
            return;
        }
        self.open_entry();
        self.json.push_str(r#"{"resource":"#);
        self.json.push_str(&outcome::render(issues, frame).to_string());
        self.json.push_str(r#","search":{"mode":"outcome"}}"#);
    }

    /// The finished searchset.
    pub(super) fn finish(mut self) -> String {
        self.close_links();
        self.json.push_str(if self.has_entries { "]}" } else { "}" });
        self.json
    }

    fn close_links(&mut self) {
        if self.has_links {
            self.json.push(']');
            self.has_links = false;
        }
    }

    fn open_entry(&mut self) {
        self.close_links();
        self.json.push_str(if self.has_entries { "," } else { r#","entry":["# });
        self.has_entries = true;
    }
}

/// The beginning of an `attachment.url` as it is stored; the second is a FHIR document's.
const RELATIVE: [&str; 2] = [r#""url":"Binary/"#, r#""url":"Bundle/"#];
/// What stands there before the relative reference.
const URL: &str = r#""url":""#;

/// A stored resource as it is sent: its `attachment.url` made absolute (MHD §1.5).
pub(super) fn outward(body: &[u8], base: &str) -> String {
    let mut json = String::with_capacity(body.len() + base.len() + 1);
    push_outward(&mut json, body, base);
    json
}

/// Appends a stored resource as it is sent, copied once: a page of a search is a hundred kilobytes.
fn push_outward(json: &mut String, body: &[u8], base: &str) {
    // What is stored was a string of ours; the checked reading is the quick one.
    let Ok(text) = std::str::from_utf8(body) else {
        return json.push_str(&String::from_utf8_lossy(body));
    };
    let place = RELATIVE.iter().find_map(|relative| text.find(relative));
    let parts = place.and_then(|place| text.split_at_checked(place.saturating_add(URL.len())));
    let Some((before, after)) = parts else { return json.push_str(text) };
    json.push_str(before);
    json.push_str(base);
    json.push('/');
    json.push_str(after);
}

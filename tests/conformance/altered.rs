//! A server whose answers are altered on their way turns the scripts red: they check what they claim.

use espace::conformance::run::Outcome;
use espace::conformance::script::{Origin, Script};
use espace::conformance::target::{Answer, NoAnswer, Request, Target};
use serde_json::Value;

use super::{embedded, network, played, problems};
use crate::support::db::block_on;
use crate::support::server::TestServer;

/// A target that alters answers.
struct Altered<T> {
    inner: T,
    alter: fn(&Request, &mut Answer),
}

impl<T: Target> Target for Altered<T> {
    fn base(&self) -> &str {
        self.inner.base()
    }

    async fn token(&self, who: &Origin) -> Result<String, NoAnswer> {
        self.inner.token(who).await
    }

    async fn exchange(&self, who: &Origin, request: &Request) -> Result<Answer, NoAnswer> {
        let mut answer = self.inner.exchange(who, request).await?;
        (self.alter)(request, &mut answer);
        Ok(answer)
    }

    fn chance(&self, bytes: &mut [u8]) {
        self.inner.chance(bytes);
    }

    fn now(&self) -> String {
        self.inner.now()
    }
}

/// Alters the JSON of an answer.
fn json(answer: &mut Answer, alter: impl FnOnce(&mut Value)) {
    if let Ok(mut body) = serde_json::from_slice(&answer.body) {
        alter(&mut body);
        answer.body = body.to_string().into_bytes();
    }
}

/// Puts a value where something stands.
fn set(answer: &mut Answer, pointer: &str, value: impl Into<Value>) {
    json(answer, |body| {
        if let Some((parent, name)) = pointer.rsplit_once('/')
            && let Some(members) = body.pointer_mut(parent).and_then(Value::as_object_mut)
        {
            members.insert(name.to_owned(), value.into());
        }
    });
}

fn without(answer: &mut Answer, header: &str) {
    answer.headers.retain(|(name, _)| name != header);
}

/// One status in the place of another.
fn becomes(answer: &mut Answer, from: u16, to: u16) {
    if answer.status == from {
        answer.status = to;
    }
}

/// All labels but the first are gone.
fn one_label(answer: &mut Answer) {
    json(answer, |body| {
        if let Some(labels) = body["securityLabel"].as_array_mut() {
            labels.truncate(1);
        }
    });
}

/// Something counted where nothing is.
fn counted(answer: &mut Answer) {
    json(answer, |body| {
        if body["total"] == 0 {
            body["total"] = 1.into();
        }
    });
}

/// What is altered, and a test of a script that must see it.
type Mutation = (&'static str, &'static str, &'static str, fn(&Request, &mut Answer));

const MUTATIONS: &[Mutation] = &[
    ("a closed record shown open", "td02/existence", "a closed record is told with its closure", |_, a| {
        set(a, "/entry/0/resource/active", true);
    }),
    ("an absence that differs", "td02/existence", "absence is one answer whatever its cause", |request, a| {
        if request.url.contains("180036311300305") {
            set(a, "/entry/0/resource/issue/0/code", "not-found");
        }
    }),
    ("a name told", "td02/existence", "the identity traits are not told", |_, a| {
        set(a, "/entry/0/resource/gender", "female");
    }),
    ("another order", "iti-65/publish", "the answer has one entry for each of the request", |_, a| {
        json(a, |body| {
            if let Some(entries) = body.pointer_mut("/entry").and_then(Value::as_array_mut) {
                entries.reverse();
            }
        });
    }),
    ("another hash", "iti-65/publish", "the fiche is kept with what was sent and what the server knows", |_, a| {
        json(a, |body| {
            if let Some(hash) = body.pointer_mut("/content/0/attachment/hash") {
                *hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAA=".into();
            }
        });
    }),
    ("no element named", "iti-65/refusals", "a wrong hash is refused", |_, a| {
        json(a, |body| {
            if let Some(issue) = body.pointer_mut("/issue/0").and_then(Value::as_object_mut) {
                issue.remove("expression");
            }
        });
    }),
    ("a wrong total", "iti-67/search", "type", |_, a| {
        json(a, |body| {
            if body.get("total").is_some() {
                body["total"] = 2.into();
            }
        });
    }),
    ("a link that is not refused", "iti-67/search", "a page link is its owner's", |request, a| {
        if request.url.ends_with('A') && a.status == 400 {
            a.status = 200;
        }
    }),
    ("one bit of a document", "iti-68/retrieve", "the bytes are those that were sent", |request, a| {
        if request.url.contains("/Binary/")
            && let Some(byte) = a.body.get_mut(100)
        {
            *byte ^= 1;
        }
    }),
    ("no sniffing protection", "iti-68/retrieve", "headers keep browsers from harm", |_, a| {
        without(a, "x-content-type-options");
    }),
    ("no ETag", "rest/reads", "read List", |_, a| without(a, "etag")),
    ("a 404 that tells", "rest/reads", "unknown and forbidden are one answer", |request, a| {
        if request.url.ends_with("/nothing") {
            a.body.push(b' ');
        }
    }),
    ("a part that is not tagged", "rest/forms", "a part of a fiche is tagged as one", |_, a| {
        set(a, "/meta/tag", Value::Array(Vec::new()));
    }),
    ("no Allow", "rest/interface", "a method that is not there is 405", |_, a| without(a, "allow")),
    ("a hidden document counted", "access/visibility", "another professional of the care team does not", |_, a| {
        counted(a);
    }),
    ("another act", "audit/traces", "a publication is traced", |_, a| {
        let text = String::from_utf8_lossy(&a.body).replace("110107", "110106");
        a.body = text.into_bytes();
    }),
    ("no WWW-Authenticate", "tokens/refusals", "no token", |_, a| without(a, "www-authenticate")),
    ("a private key", "tokens/grants", "keys are published", |_, a| {
        set(a, "/keys/0/d", "AAAA");
    }),
    ("another base", "capability/metadata", "the statement is public", |_, a| {
        set(a, "/implementation/url", "https://elsewhere.example/fhir");
    }),
    ("a personal certificate served", "tls/handshake", "a personal certificate", |_, a| becomes(a, 403, 200)),
    ("a search without a patient", "iti-67/refusals", "without a patient", |_, a| becomes(a, 400, 200)),
    (
        "a set of hidden documents counted",
        "iti-66/search",
        "a submission set of hidden documents alone is absent",
        |_, a| counted(a),
    ),
    ("two refusals", "iti-66/search", "who may not consult gets one refusal", |request, a| {
        if a.status == 403 && request.url.contains("255069999999934") {
            a.body.push(b' ');
        }
    }),
    ("data left in", "iti-105/publish", "the fiche is answered as it was created", |_, a| {
        set(a, "/content/0/attachment/data", "AAAA");
    }),
    ("no submission set", "iti-105/publish", "a submission set was derived", |request, a| {
        if request.url.contains("/List?") {
            set(a, "/total", 0);
        }
    }),
    ("another type", "iti-106/generate", "a fiche is made from the header of a document", |_, a| {
        set(a, "/parameter/0/resource/type/coding/0/code", "11502-2");
    }),
    ("a stylesheet's entity read", "iti-106/generate", "a document with a DOCTYPE is refused", |_, a| {
        becomes(a, 422, 200);
    }),
    ("a mask that is not kept", "td33/patch", "a document is masked by JSON Patch", |request, a| {
        if request.method == "GET" {
            one_label(a);
        }
    }),
    ("a FHIRPath Patch that does nothing", "td33/patch", "a FHIRPath Patch says the same", |_, a| {
        one_label(a);
    }),
    ("one of several changed", "td33/patch", "a conditional PATCH that finds none or several is refused", |_, a| {
        becomes(a, 412, 200);
    }),
    ("a lost update", "td33/patch", "a stale If-Match is refused", |_, a| becomes(a, 412, 200)),
    ("no PATCH in Allow", "td33/patch", "another element is not changed", |_, a| without(a, "allow")),
    ("a hidden document told", "td33/patch", "hidden, absent and forbidden are one answer", |request, a| {
        if request.method == "PATCH" && !request.url.ends_with("/nothing") {
            becomes(a, 404, 403);
        }
    }),
    ("a withdrawal as if unknown", "td33/withdrawal", "a withdrawn document is gone", |_, a| becomes(a, 410, 404)),
    ("a withdrawal told to all", "td33/withdrawal", "to others it is unknown as before", |request, a| {
        if !request.url.ends_with("/nothing") {
            becomes(a, 404, 410);
        }
    }),
    ("a fullUrl left", "rest/transaction", "names become ids", |_, a| {
        set(a, "/managingOrganization/reference", "urn:uuid:05efabf0-4be2-4561-91ce-51548425acb9");
    }),
    ("half a transaction kept", "rest/transaction", "one bad entry leaves nothing", |_, a| counted(a)),
    ("a batch that fails whole", "rest/batch", "each entry has its own answer", |_, a| becomes(a, 200, 422)),
    ("a write by who may not", "rest/batch", "a batch lets nobody do what he may not do alone", |_, a| {
        set(a, "/entry/0/response/status", "201");
    }),
    ("oldest first", "rest/history", "every version is told, newest first", |_, a| {
        json(a, |body| {
            if let Some(entries) = body["entry"].as_array_mut() {
                entries.reverse();
            }
        });
    }),
    ("a history of another", "rest/history", "a page of a history is its owner's", |_, a| becomes(a, 400, 200)),
    ("a target left current", "iti-65/replacement", "a replacement supersedes its target", |_, a| {
        json(a, |body| {
            if body["status"] == "superseded" {
                body["status"] = "current".into();
            }
        });
    }),
    ("a loser told nothing", "iti-65/replacement", "what was replaced is not replaced again", |_, a| {
        becomes(a, 409, 200);
    }),
    (
        "a target told",
        "iti-65/replacement",
        "an unknown target and one that may not be read are refused alike",
        |r, a| {
            if String::from_utf8_lossy(&r.body).contains("DocumentReference/nothing") {
                a.body.push(b' ');
            }
        },
    ),
    ("a fiche lost", "iti-65/folders", "a folder is updated in a new version", |_, a| {
        json(a, |body| {
            if body["resourceType"] == "List" {
                body["entry"].as_array_mut().unwrap().truncate(1);
            }
        });
    }),
    ("a collection", "iti-65/fhir-documents", "a FHIR document is kept as the bundle it is", |_, a| {
        json(a, |body| {
            if body["type"] == "document" {
                body["type"] = "collection".into();
            }
        });
    }),
    ("a masked document counted", "access/labels", "the person masks a document and shows it again", |_, a| counted(a)),
    ("an unannounced document", "access/labels", "a document not announced is nothing to the person", |_, a| {
        becomes(a, 404, 200);
    }),
    ("a profession that reads all", "access/habilitation", "a profession reads the types of its matrix", |_, a| {
        counted(a);
    }),
    ("a person let in early", "access/person", "nothing is served to a person before activation", |_, a| {
        becomes(a, 403, 200);
    }),
    ("a feed that was not asked for", "tokens/web-channel", "who did not ask feeds nothing", |_, a| {
        becomes(a, 422, 200);
    }),
];

#[test]
fn every_script_has_an_alteration_that_it_sees() {
    let (_, scripts) = embedded();
    let altered: Vec<_> = MUTATIONS.iter().map(|(_, path, ..)| format!("{path}.json")).collect();
    let unseen: Vec<_> = scripts.iter().map(|script| &script.path).filter(|path| !altered.contains(path)).collect();
    assert_eq!(unseen, Vec::<&String>::new());
}

#[test]
fn an_altered_answer_turns_the_test_that_claims_it_red() {
    block_on(async {
        let server = TestServer::start().await;
        let (files, scripts) = embedded();
        let mut unseen = Vec::new();
        for (what, path, test, alter) in MUTATIONS {
            let script: Vec<Script> =
                scripts.iter().filter(|script| script.path == format!("{path}.json")).cloned().collect();
            let results = played(&Altered { inner: network(&server), alter: *alter }, &files, &script).await;
            let played = results[0].tests.iter().find(|known| known.name == *test).unwrap();
            if played.outcome() != Outcome::Fail {
                unseen.push(format!("{path}: {what}: {:?}", problems(&results)));
            }
        }
        assert_eq!(unseen, Vec::<String>::new());
    });
}

#[test]
fn a_server_that_fails_passes_no_test() {
    block_on(async {
        let server = TestServer::start().await;
        let (files, scripts) = embedded();
        let broken = Altered {
            inner: network(&server),
            alter: |_, answer| *answer = Answer { status: 500, ..Answer::default() },
        };
        for result in played(&broken, &files, &scripts).await {
            for test in &result.tests {
                let is_handshake = result.suite() == "tls" && test.name != "a personal certificate";
                let may_pass = is_handshake && test.name != "a certificate of a structure";
                assert_eq!(test.outcome() == Outcome::Pass, may_pass, "{}: {}", result.path, test.name);
            }
        }
    });
}

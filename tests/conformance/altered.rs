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
        if request.url.contains("/Binary/") {
            if let Some(byte) = a.body.get_mut(100) {
                *byte ^= 1;
            }
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
    ("no Allow", "rest/interface", "a method that is not there is 405", |_, a| without(a, "allow")),
    ("a hidden document counted", "access/visibility", "another professional of the care team does not", |_, a| {
        json(a, |body| {
            if body["total"] == 0 {
                body["total"] = 1.into();
            }
        });
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
];

#[test]
fn an_altered_answer_turns_the_test_that_claims_it_red() {
    block_on(async {
        let server = TestServer::start().await;
        let (files, scripts) = embedded();
        for (what, path, test, alter) in MUTATIONS {
            let script: Vec<Script> =
                scripts.iter().filter(|script| script.path == format!("{path}.json")).cloned().collect();
            let results = played(&Altered { inner: network(&server), alter: *alter }, &files, &script).await;
            let played = results[0].tests.iter().find(|known| known.name == *test).unwrap();
            assert_eq!(played.outcome(), Outcome::Fail, "{what}: {:?}", problems(&results));
        }
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

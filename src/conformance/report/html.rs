//! The report as one page in French that needs nothing else.

use super::{Outcome, ScriptResult, counts};
use crate::conformance::run::{Step, TestResult};
use crate::xml::Writer;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#161616}\
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #ddd}\
.pass{color:#18753c}.fail,.error{color:#ce0500;font-weight:700}.warning{color:#b34000}.skip{color:#666}\
code{font-size:.85em}small{color:#555}";

/// The page.
pub fn html(target: &str, results: &[ScriptResult]) -> String {
    let mut page = Writer::fragment();
    page.raw("<!DOCTYPE html>\n");
    page.start("html").attribute("lang", "fr").start("head");
    page.empty("meta", &[("charset", Some("utf-8"))]);
    page.empty("meta", &[("name", Some("viewport")), ("content", Some("width=device-width, initial-scale=1"))]);
    page.leaf("title", "Rapport de conformité").leaf("style", STYLE).end();
    page.start("body").leaf("h1", "Rapport de conformité");
    let counts = counts(results);
    page.start("p").text("Serveur évalué : ").leaf("code", target);
    if let Some(first) = results.first() {
        page.text(" — le ").text(&first.began);
    }
    page.end();
    page.leaf(
        "p",
        &format!(
            "{} scénarios ; {} tests réussis, {} en échec, {} impossibles à exécuter, {} ignorés.",
            results.len(),
            counts.passed,
            counts.failed,
            counts.errors,
            counts.skipped
        ),
    );
    for result in results {
        script(&mut page, result);
    }
    page.finish()
}

fn script(page: &mut Writer, result: &ScriptResult) {
    page.start("h2").text(&result.title).text(" ").leaf("small", &result.path).end();
    phase(page, "Préparation", &result.setup);
    page.start("table").start("thead").start("tr");
    for title in ["Test", "Exigences", "Résultat"] {
        page.start("th").attribute("scope", "col").text(title).end();
    }
    page.end().end().start("tbody");
    for test in &result.tests {
        row(page, test);
    }
    page.end().end();
    phase(page, "Clôture", &result.teardown);
}

fn row(page: &mut Writer, test: &TestResult) {
    page.start("tr").start("td").leaf("strong", &test.name).empty("br", &[]);
    page.leaf("small", &test.description).end();
    page.start("td").leaf("code", &test.requirements.join(" ")).end();
    page.start("td").attribute("class", test.outcome().code()).text(word(test.outcome()));
    if test.outcome() != Outcome::Pass {
        page.empty("br", &[]).leaf("small", &test.message());
    }
    page.end().end();
}

fn phase(page: &mut Writer, name: &str, steps: &[Step]) {
    for step in steps.iter().filter(|step| step.outcome > Outcome::Pass) {
        page.start("p").attribute("class", step.outcome.code());
        page.text(&format!("{name} : {} — {} ({})", step.what, step.message, word(step.outcome))).end();
    }
}

const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "réussi",
        Outcome::Skip => "ignoré",
        Outcome::Warning => "avertissement",
        Outcome::Fail => "échec",
        Outcome::Error => "impossible à exécuter",
    }
}

//! A server that is never called, with a record and one received submission: what the parts are
//! measured on.

use std::path::Path;
use std::sync::Arc;

use crate::access::context::Context;
use crate::cli::Failure;
use crate::cli::bench::begin::begin;
use crate::cli::bench::template::Template;
use crate::cli::demo::{personas::Demo, seed};
use crate::cli::start::Started;
use crate::ids::Ins;
use crate::ops::document::intake::Intake;
use crate::ops::document::submission::Provision;

/// Everything the parts work on.
pub(super) struct Stage {
    pub(super) started: Started,
    pub(super) ctx: Arc<Context>,
    pub(super) ins: Ins,
    template: Template,
}

impl Stage {
    /// Makes a development server's state in `folder` and starts on free ports. All parts are about a document of
    /// `size` bytes.
    pub(super) async fn set(folder: &Path, size: usize) -> Result<Self, Failure> {
        let failed = |what: &str, error: &dyn std::error::Error| Failure::from_error(what, error);
        let started = begin(folder, &folder.join("certs"), |_config| {}).await?;
        let now = started.app.clocks.domain.now();
        let demo = Demo::load().map_err(|error| failed("demo personas", &error))?;
        let missing = || Failure::Failed("the demo data has no dominique or no dr-martin".to_owned());
        let patient = demo.persona("dominique").ok_or_else(missing)?;
        let author = demo.professional("dr-martin").ok_or_else(missing)?;
        let ctx = Arc::new(seed::context(&started, author, now)?);
        let template = Template::bundle(size, patient, author, now, started.app.ids.as_ref())?;
        Ok(Self { started, ctx, ins: patient.ins.clone(), template })
    }

    /// Stops what was started.
    pub(super) async fn strike(self) {
        self.started.serve_until(std::future::ready(())).await;
    }

    /// Body `number`.
    pub(super) fn body(&self, number: u64) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.template.size());
        self.template.write(0, number, &mut body);
        body
    }

    /// Submission `number`, received and read.
    pub(super) async fn provision(&self, number: u64) -> Result<Provision, Failure> {
        let failed = |error: crate::error::Error| Failure::from_error("bundle", &error);
        let app = &self.started.app;
        let mut intake = Intake::begin(&app.service, self.ctx.at);
        intake.take(&self.body(number)).await.map_err(failed)?;
        let received = intake.finish(&app.service).await.map_err(failed)?;
        Provision::read(&app.service, received, &app.mode, self.ctx.at).await.map_err(failed)
    }
}

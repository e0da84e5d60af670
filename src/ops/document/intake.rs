//! The bytes of a submission as they arrive: each document hashed and encrypted while it streams,
//! so that no whole document is ever in memory in the clear (house rules; contract §8, 413).

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::error::{Code, Error};
use crate::fhir::bundle::{BodyLimits, BodyStream, Shape, Sink};
use crate::fhir::codec::Syntax;
use crate::ids::IdSource;
use crate::ops::Service;
use crate::store::blob::{BlobFolder, BlobLimits, Stage, Staged};

/// A submission being received.
pub struct Intake {
    stream: BodyStream<Stages>,
}

/// What was received, whatever its syntax: the JSON with markers, and the documents by entry.
#[derive(Debug)]
pub struct Received {
    /// The bundle's JSON, `#data:<n>` in place of each document.
    pub json: Vec<u8>,
    /// The documents by the number of their entry (of their content in a fiche).
    pub documents: BTreeMap<usize, Staged>,
}

impl Intake {
    /// Begins to receive a bundle in JSON.
    pub fn begin(service: &Service, at: Timestamp) -> Self {
        Self::receive(Shape::Bundle, Syntax::Json, service, at, BodyLimits::default())
    }

    /// Begins to receive a body of a shape: a bundle, or a fiche that holds its document (ITI-105).
    pub fn receive(shape: Shape, syntax: Syntax, service: &Service, at: Timestamp, limits: BodyLimits) -> Self {
        let stages = Stages {
            ids: Arc::clone(&service.ids),
            folder: service.folder.clone(),
            limits: service.limits,
            at,
            open: None,
            closed: Vec::new(),
        };
        Self { stream: BodyStream::of(syntax, shape, stages, limits) }
    }

    /// Takes the next piece of the body.
    pub async fn take(&mut self, piece: &[u8]) -> Result<(), Error> {
        self.stream.feed(piece)?;
        match &mut self.stream.sink_mut().open {
            Some((_, stage)) => stage.spill().await,
            None => Ok(()),
        }
    }

    /// The body is complete: makes every document durable.
    pub async fn finish(self, service: &Service) -> Result<Received, Error> {
        let (json, stages) = self.stream.finish()?;
        let mut documents = BTreeMap::new();
        for (entry, stage) in stages.closed {
            documents.insert(entry, stage.finish(&service.keys).await?);
        }
        Ok(Received { json, documents })
    }
}

struct Stages {
    ids: Arc<dyn IdSource>,
    folder: BlobFolder,
    limits: BlobLimits,
    at: Timestamp,
    open: Option<(usize, Stage)>,
    closed: Vec<(usize, Stage)>,
}

impl Sink for Stages {
    fn begin(&mut self, entry: usize) -> Result<(), Error> {
        let id = self.ids.uuid(self.at);
        self.open = Some((entry, Stage::new(id, self.ids.as_ref(), self.limits, &self.folder)?));
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match &mut self.open {
            Some((_, stage)) => stage.write(bytes),
            None => Err(Code::Internal.into()),
        }
    }

    fn end(&mut self) -> Result<(), Error> {
        self.closed.extend(self.open.take());
        Ok(())
    }
}

//! The blob directory: where the file of a document is, before and after it is complete
//! (issue: storage; "large ones in files made durable before the commit").
//!
//! `staging/<uuid>` while it is written, then `<2 hex>/<uuid>`. The two digits are the last of the
//! uuid, which are random; the first ones are a clock and would put years into one directory.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::OnceCell;
use uuid::Uuid;

use super::Fault;

/// Name of the directory of incomplete files.
const STAGING: &str = "staging";

/// The blob directory. A shelf is made when the first file of a process goes there.
#[derive(Debug, Clone)]
pub struct BlobFolder {
    root: Arc<Path>,
    /// The shelves known to be there and durable.
    durable: Arc<[OnceCell<()>]>,
}

impl BlobFolder {
    /// Opens the directory at start-up; it is made where absent. Blocking.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        let staging = path.join(STAGING);
        if !staging.is_dir() {
            create(&staging)?;
            std::fs::File::open(path)?.sync_all()?;
        }
        Ok(Self { root: Arc::from(path), durable: (0..=u8::MAX).map(|_| OnceCell::new()).collect() })
    }

    /// Makes the directory of the complete file of `id` where it is absent. Whoever comes while it is
    /// made waits until its name is durable too: a file on it must not be lost with it.
    pub(super) async fn make_shelf_of(&self, id: Uuid) -> Result<PathBuf, Fault> {
        let shelf = self.shelf_of(id);
        if let Some(durable) = self.durable.get(usize::from(shelf_number(id))) {
            let made = durable.get_or_try_init(async || {
                let mut builder = tokio::fs::DirBuilder::new();
                #[cfg(unix)]
                builder.mode(0o700);
                match builder.create(&shelf).await {
                    Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => Err(cause),
                    _ => tokio::fs::File::open(&self.root).await?.sync_all().await,
                }
            });
            made.await?;
        }
        Ok(shelf)
    }

    /// Where the file of a complete document is.
    pub fn path_of(&self, id: Uuid) -> PathBuf {
        self.shelf_of(id).join(id.hyphenated().to_string())
    }

    /// The directory that holds the complete file of `id`.
    pub(super) fn shelf_of(&self, id: Uuid) -> PathBuf {
        self.root.join(format!("{:02x}", shelf_number(id)))
    }

    /// Where the file of an incomplete document is.
    pub(super) fn staging_path_of(&self, id: Uuid) -> PathBuf {
        self.staging().join(id.hyphenated().to_string())
    }

    /// The directory of incomplete files.
    pub(super) fn staging(&self) -> PathBuf {
        self.root.join(STAGING)
    }

    /// The directories of complete files, some of which may be absent.
    pub(super) fn shelves(&self) -> impl Iterator<Item = PathBuf> + use<> {
        let root = Arc::clone(&self.root);
        (0..=u8::MAX).map(move |number| root.join(format!("{number:02x}")))
    }
}

/// Deletes the file of a document that is not committed after all.
///
/// The row may be committed although nobody hears of it: the client goes away and the request's
/// future is dropped, or the answer of the data base is lost. A file that a row may name must not be
/// deleted, so [`Guard::keep`] is called *before* the row is handed to the writer, and
/// [`Guard::discard`] when the writer is known to have refused it. What falls between is an orphan,
/// and collected as such.
#[derive(Debug)]
#[must_use = "dropping the guard deletes the file"]
pub struct Guard {
    path: Option<PathBuf>,
    armed: bool,
}

impl Guard {
    /// A guard over `path`; none where the document has no file.
    pub(super) const fn over(path: Option<PathBuf>) -> Self {
        Self { path, armed: true }
    }

    /// From now on the file stays where it is when the guard goes.
    pub const fn keep(&mut self) {
        self.armed = false;
    }

    /// Deletes the file, kept or not. A file already gone is no error.
    pub async fn discard(mut self) -> Result<(), Fault> {
        match self.path.take() {
            Some(path) => absent_is_fine(tokio::fs::remove_file(path).await),
            None => Ok(()),
        }
    }

    /// The file watched over.
    pub(super) fn path(&self) -> Option<PathBuf> {
        self.path.clone()
    }

    /// The guard now watches over `path`: the file was renamed.
    pub(super) fn moved_to(&mut self, path: PathBuf) {
        self.path = Some(path);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(path) = self.path.take().filter(|_path| self.armed) else { return };
        // A failure leaves an orphan, which is collected later: there is nobody to tell here.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(tokio::fs::remove_file(path))),
            Err(_no_runtime) => drop(std::fs::remove_file(path)),
        }
    }
}

/// Runs work on a file where waiting for the disk holds nobody up. Buffers are moved in and out, so that none is
/// copied: `tokio::fs::File` keeps one of its own for each file.
pub(super) async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    #[expect(clippy::disallowed_methods, reason = "what tokio::fs does, without its buffers")]
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Fault::Folder(error.into()))
}

/// Takes an absent file for a deleted one.
pub(super) fn absent_is_fine(deleted: io::Result<()>) -> Result<(), Fault> {
    match deleted {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause.into()),
        _ => Ok(()),
    }
}

/// The last byte of an id is random; the first ones are a clock.
fn shelf_number(id: Uuid) -> u8 {
    id.as_bytes().last().copied().unwrap_or_default()
}

fn create(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

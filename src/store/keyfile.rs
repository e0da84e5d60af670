//! Files that hold a secret made once: complete or not there at all, whatever moment a crash picks
//! (issue: storage; docs/OPERATIONS.md, "Keys and certificates").

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Writes a new file of mode 0600, made durable under another name before it gets its own; its folder
/// is made where missing. Of two that make the same file at once one wins, and the other one's bytes
/// are dropped: read the file to know which. False if the file was there.
pub fn write_once(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    if path.exists() {
        return Ok(false);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_owned);
    fs::create_dir_all(&folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.{}", std::process::id()));
    // What a crash left there may be of any length.
    absent_is_fine(fs::remove_file(&beside))?;
    let written = open(&beside).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    // A link, unlike a rename, never takes the place of another file.
    let linked = written.and_then(|()| fs::hard_link(&beside, path));
    absent_is_fine(fs::remove_file(&beside))?;
    match linked {
        Ok(()) => File::open(&folder)?.sync_all().map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Puts other bytes in the place of a file, mode 0600, whole or not at all.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_owned);
    let beside = folder.join(format!(".{name}.{}", std::process::id()));
    absent_is_fine(fs::remove_file(&beside))?;
    open(&beside).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))?;
    fs::rename(&beside, path)?;
    File::open(&folder)?.sync_all()
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn absent_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_whole_and_once_and_what_a_crash_left_is_no_obstacle() {
        let folder = std::env::temp_dir().join(format!("espace-keyfile-{}", std::process::id()));
        let path = folder.join("a.key");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!(".a.key.{}", std::process::id())), "ha").unwrap();
        assert!(write_once(&path, b"first").unwrap());
        assert!(!write_once(&path, b"second").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }
}

//! What every compact table shares: a pool of names, fixed-width records, rows of CSV.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// Distinct names, one after the other; a reference is `offset << 12 | length`.
#[derive(Default)]
pub(crate) struct Pool {
    text: String,
    known: HashMap<String, u32>,
}

impl Pool {
    pub(crate) fn name(&mut self, name: &str) -> u32 {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let offset = u32::try_from(self.text.len()).expect("names fit 20 bits");
        let length = u32::try_from(name.len()).expect("a name is short");
        assert!(length < 1 << 12 && offset < 1 << 20, "name too long or pool full: {name}");
        self.text.push_str(name);
        let reference = (offset << 12) | length;
        self.known.insert(name.to_owned(), reference);
        reference
    }

    pub(crate) fn write(&self, path: &Path) {
        fs::write(path, &self.text).expect("OUT_DIR is writable");
    }
}

/// Little-endian records of one width.
#[derive(Default)]
pub(crate) struct Records(Vec<u8>);

impl Records {
    pub(crate) fn u8(&mut self, value: usize) -> &mut Self {
        self.0.push(u8::try_from(value).expect("fits a byte"));
        self
    }

    pub(crate) fn u16(&mut self, value: usize) -> &mut Self {
        self.0.extend(u16::try_from(value).expect("fits two bytes").to_le_bytes());
        self
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(crate) fn write(&self, path: &Path, width: usize) {
        assert!(self.0.len().is_multiple_of(width), "{} holds records of {width} bytes", path.display());
        fs::write(path, &self.0).expect("OUT_DIR is writable");
    }
}

/// The rows of a CSV file, header checked.
pub(crate) fn rows(path: &Path, header: &[&str]) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let found = reader.headers().expect("a header").iter().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(found, header, "header of {}", path.display());
    reader
        .records()
        .map(|row| {
            let row = row.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            row.iter().map(str::to_owned).collect()
        })
        .collect()
}

//! Reads the configuration from its sources, the later ones first in rank.

use std::path::Path;

use toml::{Table, Value};

use super::Config;

/// What is wrong with the configuration, in words an operator can act on.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A value is not TOML, or a key is unknown.
    #[error("{path}: {message}")]
    Invalid {
        /// The file, or `environment`.
        path: String,
        /// What and where.
        message: String,
    },
}

const PREFIX: &str = "ESPACE__";
const SECRET_FILE: &str = "_FILE";

/// Loads the configuration: defaults, then `file`, then the pairs of `environment`.
pub fn load(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>) -> Result<Config, ConfigError> {
    let mut table = match file {
        None => Table::new(),
        Some(path) => parse_file(path)?,
    };
    for (name, value) in environment {
        if let Some(key) = name.strip_prefix(PREFIX) {
            set(&mut table, &name, key, value)?;
        }
    }
    Value::Table(table).try_into::<Config>().map_err(|error| ConfigError::Invalid {
        path: file.map_or_else(|| "environment".to_owned(), |path| path.display().to_string()),
        message: error.message().to_owned(),
    })
}

fn parse_file(path: &Path) -> Result<Table, ConfigError> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: shown.clone(), source })?;
    text.parse::<Table>().map_err(|error| ConfigError::Invalid { path: shown, message: error.to_string() })
}

/// Sets `SECTION__KEY` (or `SECTION__KEY_FILE`, whose file holds the value).
fn set(table: &mut Table, name: &str, key: &str, value: String) -> Result<(), ConfigError> {
    let invalid = |message: &str| ConfigError::Invalid { path: name.to_owned(), message: message.to_owned() };
    let key = key.to_ascii_lowercase();
    let (section, key) = key.split_once("__").ok_or_else(|| invalid("expected ESPACE__SECTION__KEY"))?;
    let (key, value) = match key.strip_suffix(&SECRET_FILE.to_ascii_lowercase()) {
        Some(key) => (key, read_secret(&value)?),
        None => (key, value),
    };
    let section = table
        .entry(section.to_owned())
        .or_insert_with(|| Value::Table(Table::new()))
        .as_table_mut()
        .ok_or_else(|| invalid("is not a section"))?;
    section.insert(key.to_owned(), typed(&value));
    Ok(())
}

fn read_secret(path: &str) -> Result<String, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// An environment value is text unless it reads as a TOML boolean or integer.
fn typed(value: &str) -> Value {
    if let Ok(flag) = value.parse::<bool>() {
        Value::Boolean(flag)
    } else if let Ok(number) = value.parse::<i64>() {
        Value::Integer(number)
    } else {
        Value::String(value.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let folder = std::env::temp_dir().join(format!("espace-config-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("espace.toml");
        std::fs::write(&file, "[server]\nport = 1\nbody_idle_ms = 5\n").unwrap();
        let config =
            load(Some(&file), environment(&[("ESPACE__SERVER__PORT", "0"), ("HOME", "/")]).into_iter()).unwrap();
        assert_eq!((config.server.port, config.server.body_idle_ms), (0, 5));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn an_unknown_key_is_named() {
        let refused = load(None, environment(&[("ESPACE__SERVER__PROT", "1")]).into_iter()).unwrap_err();
        assert!(refused.to_string().contains("prot"), "{refused}");
    }

    #[test]
    fn a_secret_comes_from_its_file_and_is_never_shown() {
        let file = std::env::temp_dir().join(format!("espace-secret-{}", std::process::id()));
        std::fs::write(&file, "sqlite:here\n").unwrap();
        let config =
            load(None, environment(&[("ESPACE__STORE__URL_FILE", file.to_str().unwrap())]).into_iter()).unwrap();
        assert_eq!(config.store.url, "sqlite:here");
        assert!(!format!("{config:?}").contains("here"));
        std::fs::remove_file(&file).unwrap();
    }
}

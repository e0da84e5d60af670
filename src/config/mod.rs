//! Configuration: file, environment, secret files.

//! Typed readers over resources.

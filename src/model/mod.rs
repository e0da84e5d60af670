//! What the store keeps and the rules judge, independent of back end and of wire.

pub mod audit;
pub mod caller;
pub mod directory;
pub mod document;
pub mod notification;
pub mod profile;
pub mod resource;
pub mod search;

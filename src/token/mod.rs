//! The authorisation server, and the check of tokens on the resource side.

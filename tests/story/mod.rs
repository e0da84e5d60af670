//! Long narratives over a whole server.

mod publication;

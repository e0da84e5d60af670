//! quick-xml fenced in: the one door through which XML is read and written.

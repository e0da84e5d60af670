//! quick-xml fenced in: the one door through which XML is read and written (house rules §9).
//!
//! Every document that comes in passes [`Reader`]: namespaces resolved, DOCTYPE and entities
//! refused, depth, names, attributes and text bounded, nothing fetched and nothing expanded.

mod attribute;
mod error;
mod limits;
mod namespace;
mod reader;
mod writer;

pub use attribute::Attribute;
pub use error::{Error, Kind};
pub use limits::Limits;
pub use namespace::Namespace;
pub use reader::{Element, Event, Reader};
pub use writer::Writer;

/// Reads a whole document and checks that it is well-formed, bounded and free of DOCTYPE and
/// entities; returns the number of its elements. The first fault is returned.
pub fn check(bytes: &[u8], limits: Limits) -> Result<usize, Error> {
    let mut reader = Reader::new(bytes, limits);
    let mut elements = 0;
    loop {
        match reader.next_event()? {
            Event::Start(element) => {
                elements += 1;
                element.attributes().try_for_each(|attribute| attribute.map(drop))?;
            }
            Event::End | Event::Text(_) => {}
            Event::Eof => return Ok(elements),
        }
    }
}

//! The `sel` of XML Patch in the part of XPath that names FHIR elements (RFC 5261 §4.1):
//! `/f:Type/f:element[2]/f:child[@url='x'][f:a/f:b/@value='y']/@value`.

use super::locate::{MOST_STEPS, MOST_TEXT, Move, Path, Scan};

/// A selector: the element, and the attribute of it where one is named.
pub(super) struct Selector {
    /// The element.
    pub(super) path: Path,
    /// `value`, `url` or `id`.
    pub(super) attribute: Option<String>,
}

/// Reads a selector; `None` for what it cannot be.
pub(super) fn read(text: &str) -> Option<Selector> {
    if text.len() > MOST_TEXT {
        return None;
    }
    let mut scan = Scan(text.trim());
    let mut moves = Vec::new();
    // A path that starts at the root and one that starts at the root element name the same.
    while scan.sign("/").is_some() {}
    loop {
        if scan.sign("@").is_some() {
            let name = scan.name().filter(|name| matches!(*name, "value" | "url" | "id"))?;
            return ends(&scan, moves, Some(name));
        }
        moves.push(Move::Name(element(&mut scan)?));
        while scan.sign("[").is_some() {
            moves.push(predicate(&mut scan)?);
            scan.sign("]")?;
        }
        if scan.sign("/").is_none() {
            return ends(&scan, moves, None);
        }
    }
}

fn ends(scan: &Scan<'_>, moves: Vec<Move>, attribute: Option<&str>) -> Option<Selector> {
    let is_whole = scan.0.trim().is_empty() && moves.len() <= MOST_STEPS && !moves.is_empty();
    is_whole.then(|| Selector { path: Path(moves), attribute: attribute.map(str::to_owned) })
}

/// A name, its prefix left out: all elements of a resource are in one namespace.
fn element(scan: &mut Scan<'_>) -> Option<String> {
    let name = scan.name()?;
    if scan.sign(":").is_none() {
        return Some(name.to_owned());
    }
    scan.name().map(str::to_owned)
}

fn predicate(scan: &mut Scan<'_>) -> Option<Move> {
    if let Some(number) = scan.number() {
        return number.checked_sub(1).map(Move::Nth);
    }
    if scan.sign("last()").is_some() {
        return Some(Move::Last);
    }
    let mut path = Vec::new();
    loop {
        if scan.sign("@").is_some() {
            let name = scan.name()?;
            // A primitive is its value in JSON.
            if name != "value" {
                path.push(name.to_owned());
            }
            scan.sign("=")?;
            return Some(Move::Where(path, scan.literal()?.to_owned()));
        }
        path.push(element(scan).filter(|_| path.len() < MOST_STEPS)?);
        scan.sign("/")?;
    }
}

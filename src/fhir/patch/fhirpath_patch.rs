//! FHIRPath Patch: a Parameters resource whose operations name elements by FHIRPath
//! (R4 `fhirpatch.html`). Paths are read in the part of FHIRPath that names one element or list:
//! names, `[n]`, `first()`, `last()`, `where(a.b = 'x')`, `extension('url')`.

use serde_json::{Map, Value};

use super::locate::{self, MOST_STEPS, MOST_TEXT, Move, Path, Scan};
use super::tree::{Place, Step, Tree};
use super::{Fault, MOST_OPERATIONS, malformed, too_large};
use crate::error::Error;
use crate::fhir::definition::Type;
use crate::fhir::validate;

/// One operation.
pub(super) enum Operation {
    Add(Path, String, Given),
    Insert(Path, usize, Given),
    Delete(Path),
    Replace(Path, Given),
    Move(Path, usize, usize),
}

/// A value as Parameters give one.
pub(super) enum Given {
    /// `value[x]`: the name of its type, capitalised, and the value.
    Value(String, Value),
    /// Parts that are the elements of a value without a name of its own.
    Parts(Vec<(String, Self)>),
}

pub(super) fn read(body: &Value) -> Result<Vec<Operation>, Error> {
    let wrong: Vec<_> = validate::structural(body).into_iter().filter(|issue| !issue.is_warning).collect();
    if !wrong.is_empty() {
        return Err(Error::many(wrong));
    }
    if body.get("resourceType").and_then(Value::as_str) != Some("Parameters") {
        return Err(malformed("R4 fhirpatch"));
    }
    let items = body.get("parameter").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if items.len() > MOST_OPERATIONS {
        return Err(too_large());
    }
    items.iter().map(|item| operation(item).ok_or_else(|| malformed("R4 fhirpatch"))).collect()
}

fn operation(item: &Value) -> Option<Operation> {
    if item.get("name")?.as_str()? != "operation" {
        return None;
    }
    let parts = item.get("part")?.as_array()?;
    let part = |name: &str| parts.iter().find(|part| part.get("name").and_then(Value::as_str) == Some(name));
    // A code may be sent as a string, and a path as any text.
    let text = |name: &str| {
        let of = |key: &str| part(name)?.get(key)?.as_str();
        of("valueString").or_else(|| of("valueCode")).or_else(|| of("valueUri"))
    };
    let number = |name: &str| {
        let part = part(name)?;
        let value = part.get("valueInteger").or_else(|| part.get("valueUnsignedInt"))?;
        usize::try_from(value.as_u64()?).ok()
    };
    let value = || given(part("value")?, 0);
    let path = path(text("path")?)?;
    Some(match text("type")? {
        "add" => Operation::Add(path, text("name")?.to_owned(), value()?),
        "insert" => Operation::Insert(path, number("index")?, value()?),
        "delete" => Operation::Delete(path),
        "replace" => Operation::Replace(path, value()?),
        "move" => Operation::Move(path, number("source")?, number("destination")?),
        _ => return None,
    })
}

fn given(part: &Value, depth: usize) -> Option<Given> {
    let members = part.as_object()?;
    if let Some((key, value)) = members.iter().find(|(key, _)| key.starts_with("value")) {
        return Some(Given::Value(key.strip_prefix("value")?.to_owned(), value.clone()));
    }
    if let Some(resource) = members.get("resource") {
        return Some(Given::Value(String::new(), resource.clone()));
    }
    let parts = members.get("part")?.as_array().filter(|_| depth < MOST_STEPS)?;
    let named = |part: &Value| Some((part.get("name")?.as_str()?.to_owned(), given(part, depth + 1)?));
    parts.iter().map(named).collect::<Option<Vec<_>>>().map(Given::Parts)
}

fn path(text: &str) -> Option<Path> {
    let mut scan = Scan(text);
    let mut moves = Vec::new();
    if text.len() > MOST_TEXT {
        return None;
    }
    loop {
        step(&mut scan, &mut moves)?;
        while scan.sign("[").is_some() {
            moves.push(Move::Nth(scan.number()?));
            scan.sign("]")?;
        }
        if scan.0.trim().is_empty() {
            return (moves.len() <= MOST_STEPS).then_some(Path(moves));
        }
        scan.sign(".")?;
    }
}

fn step(scan: &mut Scan<'_>, moves: &mut Vec<Move>) -> Option<()> {
    let name = scan.name()?;
    if scan.sign("(").is_none() {
        moves.push(Move::Name(name.to_owned()));
        return Some(());
    }
    match name {
        "first" => moves.push(Move::Nth(0)),
        "last" => moves.push(Move::Last),
        "extension" => {
            let url = scan.literal()?.to_owned();
            moves.push(Move::Name("extension".to_owned()));
            moves.push(Move::Where(vec!["url".to_owned()], url));
        }
        "where" => {
            let mut path = vec![scan.name()?.to_owned()];
            while scan.sign(".").is_some() {
                path.push(scan.name().filter(|_| path.len() < MOST_STEPS)?.to_owned());
            }
            scan.sign("=")?;
            let wanted = scan.literal().or_else(|| scan.name())?;
            moves.push(Move::Where(path, wanted.to_owned()));
        }
        _ => return None,
    }
    scan.sign(")")
}

impl Given {
    /// The type it names, where it names one.
    fn suffix(&self) -> &str {
        match self {
            Self::Value(suffix, _) => suffix,
            Self::Parts(_) => "",
        }
    }

    /// The value as JSON, for a place of this type.
    fn json(&self, kind: Option<Type>) -> Result<Value, Fault> {
        let parts = match self {
            Self::Value(_, value) => return Ok(value.clone()),
            Self::Parts(parts) => parts,
        };
        let mut members = Map::new();
        for (name, part) in parts {
            let (key, is_array) = locate::member(kind, name, part.suffix())?;
            let inner = kind.and_then(|kind| kind.property(&key)?.kind());
            let value = part.json(inner)?;
            if is_array {
                let list = members.entry(key).or_insert_with(|| Value::Array(Vec::new()));
                list.as_array_mut().ok_or(Fault::Inapplicable("no such element"))?.push(value);
            } else if members.insert(key, value).is_some() {
                return Err(Fault::Inapplicable("element twice"));
            }
        }
        Ok(Value::Object(members))
    }
}

impl Operation {
    /// The elements of the resource it changes.
    pub(super) fn elements(&self) -> Vec<&str> {
        let (path, added) = match self {
            Self::Add(path, name, _) => (path, Some(name.as_str())),
            Self::Insert(path, ..) | Self::Delete(path) | Self::Replace(path, _) | Self::Move(path, ..) => (path, None),
        };
        path.element().or(added).into_iter().collect()
    }

    pub(super) fn apply(&self, tree: &mut Tree) -> Result<(), Fault> {
        match self {
            Self::Add(path, name, given) => {
                let at = path.one(tree)?;
                let (key, is_array) = locate::member(at.kind, name, given.suffix())?;
                let inner = at.kind.and_then(|kind| kind.property(&key)?.kind());
                locate::add(tree, &at, &key, is_array, given.json(inner)?)
            }
            Self::Insert(path, index, given) => {
                let (list, kind) = list(tree, path)?;
                tree.push(&list, Some(*index), given.json(kind)?)
            }
            Self::Delete(path) => match path.find(tree).as_slice() {
                [] => Ok(()),
                [only] => tree.prune(&only.place),
                _ => Err(Fault::Inapplicable("path leads to several elements")),
            },
            Self::Replace(path, given) => replace(tree, path, given),
            Self::Move(path, source, destination) => {
                let (mut place, _) = list(tree, path)?;
                place.push(Step::Index(*source));
                let moved = tree.remove(&place)?;
                place.pop();
                tree.push(&place, Some(*destination), moved)
            }
        }
    }
}

/// A choice may take another type: its key goes with it.
fn replace(tree: &mut Tree, path: &Path, given: &Given) -> Result<(), Fault> {
    let at = path.one(tree)?;
    let value = given.json(at.kind)?;
    if let (Some((parent, name)), Some((Step::Key(key), _))) = (path.split_last(), at.place.split_last())
        && key != name
    {
        let owner = parent.one(tree)?;
        let (new, is_array) = locate::member(owner.kind, name, given.suffix())?;
        if new != *key {
            tree.remove(&at.place)?;
            return locate::add(tree, &owner, &new, is_array, value);
        }
    }
    tree.replace(&at.place, value)
}

/// The place of a list, and the type of its items.
fn list(tree: &Tree, path: &Path) -> Result<(Place, Option<Type>), Fault> {
    let (parent, name) = path.split_last().ok_or(Fault::Inapplicable("path names no list"))?;
    let owner = parent.one(tree)?;
    let (key, is_array) = locate::member(owner.kind, name, "")?;
    if !is_array {
        return Err(Fault::Inapplicable("path names no list"));
    }
    let kind = owner.kind.and_then(|kind| kind.property(&key)?.kind());
    Ok((owner.place.into_iter().chain([Step::Key(key)]).collect(), kind))
}

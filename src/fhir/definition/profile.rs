//! Profiles as flat programs of rules, written by `schemas/build/fhir/profiles.rs`
//! (`schemas/profiles/README.md`, document-sharing §1.2, ihe §1.2-1.3).

use super::ValueSet;
use super::table;

/// What a rule asks of the element it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    /// At least so many.
    Min(u16),
    /// At most so many.
    Max(u16),
    /// This very text.
    Fixed(&'static str),
    /// A text that starts so.
    Starts(&'static str),
    /// One of these codes, separated by spaces.
    Codes(&'static str),
    /// A coding of this system and code.
    Pattern(&'static str, &'static str),
    /// A coding of one of these systems, separated by spaces.
    Systems(&'static str),
    /// A coding of this value set, whose name is given.
    Set(&'static str, ValueSet),
    /// A reference to one of these types, separated by ` | `.
    Targets(&'static str),
    /// A reference to a contained resource.
    Contained,
    /// A type and a category that go together, by the association of this name.
    Pairs(&'static str, ValueSet),
    /// What the guide says in words, by the name of the function that holds to it.
    Invariant(&'static str),
}

/// How much a broken rule weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Not told.
    None,
    /// Told, but does not refuse.
    Warning,
    /// Refuses.
    Error,
}

/// One rule of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The element, relative to the resource; `name[slice]` for one slice of it.
    pub path: &'static str,
    /// What is asked.
    pub constraint: Constraint,
    /// The source, or the key the source gives the rule.
    pub rule: &'static str,
    /// Weight under `strict`, `ci-sis`, `lenient`.
    pub levels: [Level; 3],
}

/// What `schemas/profiles/profiles.csv` says of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// Its canonical URL.
    pub canonical: &'static str,
    /// The PDSm pack it is of (`3.1.1`, `main`); empty: both.
    pub pack: &'static str,
    /// The type it constrains.
    pub kind: &'static str,
    /// The profile it is made of; empty: none.
    pub parent: &'static str,
    /// Where it is written.
    pub source: &'static str,
}

static LISTED: &[Listed] = include!(concat!(env!("OUT_DIR"), "/profile-list.rs"));

/// Every profile under every pack.
pub fn listed() -> &'static [Listed] {
    LISTED
}

/// A profile, under one pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    canonical: [u8; 4],
    first: u16,
    count: u16,
    is_bundle: bool,
    pack: u8,
}

impl Profile {
    /// The profile of a canonical URL in the pack of a number; a profile without packs is in all.
    pub fn find(canonical: &str, pack: u8) -> Option<Self> {
        let all = table::PROFILES.as_chunks::<10>().0;
        let start = all.partition_point(|record| table::order(record, canonical).is_lt());
        let same = all.iter().skip(start).take_while(|record| table::order(record, canonical).is_eq());
        same.map(Self::read).find(|profile| [0, pack].contains(&profile.pack))
    }

    fn read(record: &[u8; 10]) -> Self {
        let [n0, n1, n2, n3, pack, is_bundle, f0, f1, c0, c1] = *record;
        let canonical = [n0, n1, n2, n3];
        Self { canonical, first: table::short(f0, f1), count: table::short(c0, c1), is_bundle: is_bundle == 1, pack }
    }

    /// Every canonical URL known, each once.
    pub fn all() -> impl Iterator<Item = &'static str> {
        let records = table::PROFILES.as_chunks::<10>().0.iter();
        let mut last = "";
        records.filter_map(|record| record.first_chunk::<4>()).map(|name| table::name(*name)).filter(move |name| {
            let is_new = *name != last;
            last = name;
            is_new
        })
    }

    /// Its canonical URL.
    pub fn canonical(self) -> &'static str {
        table::name(self.canonical)
    }

    /// Whether it is a profile of Bundle, with slots for its entries.
    pub const fn is_bundle(self) -> bool {
        self.is_bundle
    }

    /// Its rules, its parents' first.
    pub fn rules(self) -> impl Iterator<Item = Rule> {
        table::records::<20>(table::RULES, self.first, self.count).iter().filter_map(Rule::read)
    }
}

impl Rule {
    fn read(record: &[u8; 20]) -> Option<Self> {
        let [p0, p1, p2, p3, v0, v1, v2, v3, r0, r1, r2, r3, constraint, strict, ci_sis, lenient, n0, n1, _, _] =
            *record;
        let (value, number) = (table::name([v0, v1, v2, v3]), table::short(n0, n1));
        let constraint = match constraint {
            0 => Constraint::Min(number),
            1 => Constraint::Max(number),
            2 => Constraint::Fixed(value),
            3 => Constraint::Starts(value),
            4 => Constraint::Codes(value),
            5 => value.split_once('|').map(|(system, code)| Constraint::Pattern(system, code))?,
            6 => Constraint::Systems(value),
            7 => Constraint::Set(value, ValueSet::numbered(number)?),
            8 => Constraint::Targets(value),
            9 => Constraint::Contained,
            10 => Constraint::Pairs(value, ValueSet::numbered(number)?),
            _ => Constraint::Invariant(value),
        };
        let levels = [strict, ci_sis, lenient].map(|level| match level {
            0 => Level::None,
            1 => Level::Warning,
            _ => Level::Error,
        });
        Some(Self { path: table::name([p0, p1, p2, p3]), constraint, rule: table::name([r0, r1, r2, r3]), levels })
    }
}

/// What tells the members of a slice, alternatives separated by ` or `: `url=`, `use=`, `type=system|code`.
pub fn discriminators(slice: &str) -> Option<&'static str> {
    let all = table::SLICES.as_chunks::<8>().0;
    let found = all.binary_search_by(|record| table::order(record, slice)).ok()?;
    let [_, _, _, _, d0, d1, d2, d3] = *all.get(found)?;
    Some(table::name([d0, d1, d2, d3]))
}

/// A kind of entry a Provide Document Bundle may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// The name of the slice.
    pub slice: &'static str,
    /// The type of its resource.
    pub resource: &'static str,
    /// The methods admitted, separated by spaces.
    pub methods: &'static str,
    /// The profile its resource is held to; empty: none.
    pub profile: &'static str,
    /// The source.
    pub rule: &'static str,
    /// At least so many.
    pub min: usize,
    /// At most so many; 255: no bound.
    pub max: usize,
}

/// The slots of a bundle's profile.
pub fn slots(canonical: &str) -> impl Iterator<Item = Slot> {
    let all = table::SLOTS.as_chunks::<28>().0;
    all.iter().filter(move |record| table::order(record, canonical).is_eq()).map(|record| {
        let [
            _,
            _,
            _,
            _,
            s0,
            s1,
            s2,
            s3,
            r0,
            r1,
            r2,
            r3,
            m0,
            m1,
            m2,
            m3,
            p0,
            p1,
            p2,
            p3,
            u0,
            u1,
            u2,
            u3,
            min,
            max,
            _,
            _,
        ] = *record;
        Slot {
            slice: table::name([s0, s1, s2, s3]),
            resource: table::name([r0, r1, r2, r3]),
            methods: table::name([m0, m1, m2, m3]),
            profile: table::name([p0, p1, p2, p3]),
            rule: table::name([u0, u1, u2, u3]),
            min: usize::from(min),
            max: usize::from(max),
        }
    })
}

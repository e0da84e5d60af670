//! Proof that traces are whole: walks chains and seals and names what was changed, removed,
//! reordered or cut off (house rules §4.7; the encoding is in `chain.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::chain;
use super::records::{ChainRow, Head, Seal};
use crate::clock::to_micros;
use crate::ids::ShardKey;

/// Links whose order is looked for when their hashes fail; beyond it they count as changed.
const LOOKED_AT: usize = 64;

/// What is wrong with a chain or a seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A link does not have the content it was hashed with.
    Changed {
        /// The chain.
        pt: ShardKey,
        /// The link.
        sequence: i64,
    },
    /// A link stands in the place of another one.
    Reordered {
        /// The chain.
        pt: ShardKey,
        /// Where it stands.
        sequence: i64,
        /// Where it belongs.
        belongs: i64,
    },
    /// Links are missing within a chain.
    Removed {
        /// The chain.
        pt: ShardKey,
        /// The first missing number.
        from: i64,
        /// The last missing number.
        to: i64,
    },
    /// A link does not follow the one before it, although both are whole.
    Detached {
        /// The chain.
        pt: ShardKey,
        /// The link.
        sequence: i64,
    },
    /// A chain ends before its recorded or sealed head.
    Truncated {
        /// The chain.
        pt: ShardKey,
        /// The last number it must have.
        expected: i64,
        /// The last number found; 0 for a chain that is gone.
        found: i64,
    },
    /// A link is whole, but it is not the one that was recorded as head, or sealed.
    Replaced {
        /// The chain.
        pt: ShardKey,
        /// The link.
        sequence: i64,
    },
    /// A seal is missing, out of order, unreadable, or its signature is wrong.
    SealBroken {
        /// The seal.
        id: i64,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { pt, sequence } => write!(f, "chain {pt}: record {sequence} was changed"),
            Self::Reordered { pt, sequence, belongs } => {
                write!(f, "chain {pt}: record {sequence} belongs at {belongs}")
            }
            Self::Removed { pt, from, to } => write!(f, "chain {pt}: records {from} to {to} were removed"),
            Self::Detached { pt, sequence } => {
                write!(f, "chain {pt}: record {sequence} does not follow the one before it")
            }
            Self::Truncated { pt, expected, found } => {
                write!(f, "chain {pt}: ends at {found}, must reach {expected}")
            }
            Self::Replaced { pt, sequence } => {
                write!(f, "chain {pt}: record {sequence} is not the one that was recorded or sealed")
            }
            Self::SealBroken { id } => write!(f, "seal {id} is missing, out of order, or not ours"),
        }
    }
}

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Chains walked.
    pub chains: u64,
    /// Links walked.
    pub links: u64,
    /// Seals read.
    pub seals: u64,
    /// What is wrong, in the order found.
    pub findings: Vec<Finding>,
}

/// What the seals say of the chains.
#[derive(Debug, Clone, Default)]
pub struct Anchors {
    heads: BTreeMap<ShardKey, BTreeMap<i64, [u8; 32]>>,
    previous: [u8; 32],
    next: i64,
    findings: Vec<Finding>,
}

impl Anchors {
    /// No seal read yet.
    pub fn new() -> Self {
        Self { next: 1, ..Self::default() }
    }

    /// Takes in the next seal in order; `is_signed` says whether its signature is right.
    pub fn add(&mut self, seal: &Seal, is_signed: bool) {
        let heads = chain::read_seal(&seal.payload, seal.id, &self.previous);
        if seal.id != self.next || heads.is_none() || !is_signed {
            self.findings.push(Finding::SealBroken { id: seal.id });
        }
        for head in heads.into_iter().flatten() {
            self.heads.entry(head.pt).or_default().insert(head.sequence, head.hash);
        }
        self.previous = chain::seal_hash(Some(seal));
        self.next = seal.id + 1;
    }

    /// What is wrong with the seals themselves.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Chains that were sealed and are gone as a whole.
    pub fn gone(&self, known: &BTreeSet<ShardKey>) -> Vec<Finding> {
        let gone = self.heads.iter().filter(|(pt, _)| !known.contains(pt));
        gone.map(|(pt, heads)| {
            let expected = heads.keys().next_back().copied().unwrap_or_default();
            Finding::Truncated { pt: *pt, expected, found: 0 }
        })
        .collect()
    }
}

/// Walks one chain up to its recorded head. `links` are in order of their numbers.
pub fn verify_chain(head: &Head, links: impl IntoIterator<Item = ChainRow>, anchors: &Anchors) -> Vec<Finding> {
    let mut walk = Walk::new(head, anchors);
    for link in links {
        walk.step(&link);
    }
    walk.finish()
}

/// A chain as it is walked, link by link.
pub(super) struct Walk<'a> {
    head: Head,
    sealed: Option<&'a BTreeMap<i64, [u8; 32]>>,
    last: i64,
    /// Hash of the link before; nothing if it was not whole.
    previous: Option<[u8; 32]>,
    broken: Vec<ChainRow>,
    findings: Vec<Finding>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(head: &Head, anchors: &'a Anchors) -> Self {
        Self {
            head: *head,
            sealed: anchors.heads.get(&head.pt),
            last: 0,
            previous: Some(chain::genesis()),
            broken: Vec::new(),
            findings: Vec::new(),
        }
    }

    pub(super) fn step(&mut self, link: &ChainRow) {
        let (pt, sequence) = (self.head.pt, link.sequence);
        if sequence > self.last + 1 {
            self.findings.push(Finding::Removed { pt, from: self.last + 1, to: sequence - 1 });
            self.previous = None;
        }
        let is_whole = hash_at(link, sequence) == link.hash && repeats_its_body(link);
        if is_whole {
            if self.previous.is_some_and(|previous| previous != link.previous) {
                self.findings.push(Finding::Detached { pt, sequence });
            }
            let is_head = self.head.sequence == sequence;
            let sealed = self.sealed.and_then(|sealed| sealed.get(&sequence));
            if (is_head && self.head.hash != link.hash) || sealed.is_some_and(|hash| *hash != link.hash) {
                self.findings.push(Finding::Replaced { pt, sequence });
            }
        } else {
            self.broken.push(link.clone());
        }
        self.previous = is_whole.then_some(link.hash);
        self.last = sequence;
    }

    pub(super) fn finish(mut self) -> Vec<Finding> {
        let pt = self.head.pt;
        let places: Vec<i64> = self.broken.iter().map(|link| link.sequence).take(LOOKED_AT).collect();
        for link in &self.broken {
            let belongs = places.iter().copied().find(|place| hash_at(link, *place) == link.hash);
            self.findings.push(match belongs {
                Some(belongs) if belongs != link.sequence => {
                    Finding::Reordered { pt, sequence: link.sequence, belongs }
                }
                _ => Finding::Changed { pt, sequence: link.sequence },
            });
        }
        let sealed = self.sealed.and_then(|sealed| sealed.keys().next_back().copied()).unwrap_or_default();
        let expected = self.head.sequence.max(sealed);
        if self.last < expected {
            self.findings.push(Finding::Truncated { pt, expected, found: self.last });
        }
        self.findings
    }
}

fn hash_at(link: &ChainRow, sequence: i64) -> [u8; 32] {
    chain::link(&link.previous, link.pt.get(), sequence, link.at, &link.body)
}

/// Whether the columns that searches use say what the hashed body says.
fn repeats_its_body(link: &ChainRow) -> bool {
    chain::record(&link.body).is_ok_and(|record| {
        record.chain == link.pt
            && record.id == link.id
            && to_micros(record.at) == link.at
            && chain::act(record.act).is_ok_and(|act| act == link.act)
            && record.actor.person == link.person
            && record.actor.structure == link.structure
    })
}

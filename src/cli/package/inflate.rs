//! gzip (RFC 1952) around deflate (RFC 1951), for packages of definitions: small, bounded, slow enough not to matter.

/// Longest code of deflate, in bits.
const LONGEST: usize = 15;
/// Base length and extra bits of the length symbols 257 to 285 (RFC 1951 §3.2.5).
const LENGTHS: [(usize, u32); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];
/// Base distance and extra bits of the distance symbols (RFC 1951 §3.2.5).
const DISTANCES: [(usize, u32); 30] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 1),
    (7, 1),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 4),
    (49, 4),
    (65, 5),
    (97, 5),
    (129, 6),
    (193, 6),
    (257, 7),
    (385, 7),
    (513, 8),
    (769, 8),
    (1025, 9),
    (1537, 9),
    (2049, 10),
    (3073, 10),
    (4097, 11),
    (6145, 11),
    (8193, 12),
    (12289, 12),
    (16385, 13),
    (24577, 13),
];
/// The order in which the lengths of the code of codes are written (RFC 1951 §3.2.7).
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Why a file is not gzip, or not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// Not gzip, or the bytes end or contradict themselves.
    #[error("not a gzip file, or a damaged one")]
    Damaged,
    /// More than the bytes allowed once unpacked.
    #[error("too large once unpacked")]
    TooLarge,
}

/// Unpacks the first member of a gzip file, no more than `most` bytes of it.
pub(super) fn gunzip(bytes: &[u8], most: usize) -> Result<Vec<u8>, Fault> {
    let start = header(bytes).ok_or(Fault::Damaged)?;
    let body = bytes.get(start..).ok_or(Fault::Damaged)?;
    let mut bits = Bits { bytes: body, at: 0, held: 0, count: 0 };
    let mut out = Vec::new();
    loop {
        let is_last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => bits.stored(&mut out, most)?,
            1 => {
                let (literals, distances) = fixed();
                block(&mut bits, &literals, &distances, &mut out, most)?;
            }
            2 => {
                let (literals, distances) = dynamic(&mut bits)?;
                block(&mut bits, &literals, &distances, &mut out, most)?;
            }
            _ => return Err(Fault::Damaged),
        }
        if is_last {
            break;
        }
    }
    let end = body.get(bits.at..).and_then(|rest| rest.first_chunk::<8>()).ok_or(Fault::Damaged)?;
    let [c0, c1, c2, c3, s0, s1, s2, s3] = *end;
    let told = usize::try_from(u32::from_le_bytes([s0, s1, s2, s3])).unwrap_or_default();
    let is_whole = told == out.len() && u32::from_le_bytes([c0, c1, c2, c3]) == crc(&out);
    if is_whole { Ok(out) } else { Err(Fault::Damaged) }
}

/// Where the deflated bytes start.
fn header(bytes: &[u8]) -> Option<usize> {
    let [0x1f, 0x8b, 8, flags, _, _, _, _, _, _] = *bytes.first_chunk::<10>()? else { return None };
    let mut at = 10;
    if flags & 4 != 0 {
        let [low, high] = *bytes.get(at..)?.first_chunk::<2>()?;
        at += 2 + usize::from(u16::from_le_bytes([low, high]));
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            at += bytes.get(at..)?.iter().position(|byte| *byte == 0)? + 1;
        }
    }
    Some(if flags & 2 == 0 { at } else { at + 2 })
}

/// CRC-32 of RFC 1952 §8, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let fold = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 })
    };
    !bytes.iter().fold(u32::MAX, fold)
}

struct Bits<'b> {
    bytes: &'b [u8],
    at: usize,
    held: u32,
    count: u32,
}

impl Bits<'_> {
    /// The next bits, least significant first; 13 at most.
    fn take(&mut self, wanted: u32) -> Result<usize, Fault> {
        while self.count < wanted {
            let byte = self.bytes.get(self.at).ok_or(Fault::Damaged)?;
            self.held |= u32::from(*byte) << self.count;
            (self.at, self.count) = (self.at + 1, self.count + 8);
        }
        let taken = self.held & ((1 << wanted) - 1);
        (self.held, self.count) = (self.held >> wanted, self.count - wanted);
        usize::try_from(taken).ok().ok_or(Fault::Damaged)
    }

    /// A block that is not compressed.
    fn stored(&mut self, out: &mut Vec<u8>, most: usize) -> Result<(), Fault> {
        (self.held, self.count) = (0, 0);
        let [l0, l1, n0, n1] =
            *self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<4>()).ok_or(Fault::Damaged)?;
        let length = u16::from_le_bytes([l0, l1]);
        let start = self.at + 4;
        let end = start + usize::from(length);
        let bytes = self.bytes.get(start..end).filter(|_| length == !u16::from_le_bytes([n0, n1]));
        out.extend_from_slice(bytes.ok_or(Fault::Damaged)?);
        self.at = end;
        if out.len() > most { Err(Fault::TooLarge) } else { Ok(()) }
    }
}

/// A canonical Huffman code: how many codes of each length, and their symbols in order.
struct Huffman {
    counts: [usize; LONGEST + 1],
    symbols: Vec<usize>,
}

impl Huffman {
    fn of(lengths: &[usize]) -> Self {
        let mut counts = [0; LONGEST + 1];
        let mut symbols = Vec::new();
        for (length, count) in counts.iter_mut().enumerate().skip(1) {
            let of_length = lengths.iter().enumerate().filter(|(_, known)| **known == length);
            let before = symbols.len();
            symbols.extend(of_length.map(|(symbol, _)| symbol));
            *count = symbols.len() - before;
        }
        Self { counts, symbols }
    }

    /// The next symbol.
    fn read(&self, bits: &mut Bits<'_>) -> Result<usize, Fault> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in self.counts.iter().skip(1) {
            code |= bits.take(1)?;
            if code < first + count {
                // An overfull code would lead before the first symbol of its length.
                let place = (index + code).checked_sub(first).ok_or(Fault::Damaged)?;
                return self.symbols.get(place).copied().ok_or(Fault::Damaged);
            }
            (index, first) = (index + count, (first + count) << 1);
            code <<= 1;
        }
        Err(Fault::Damaged)
    }
}

/// The codes of a block that brings none (RFC 1951 §3.2.6).
fn fixed() -> (Huffman, Huffman) {
    let of_length = |length, count| std::iter::repeat_n(length, count);
    let literals: Vec<usize> =
        of_length(8, 144).chain(of_length(9, 112)).chain(of_length(7, 24)).chain(of_length(8, 8)).collect();
    (Huffman::of(&literals), Huffman::of(&[5; 30]))
}

/// The codes a block brings along (RFC 1951 §3.2.7).
fn dynamic(bits: &mut Bits<'_>) -> Result<(Huffman, Huffman), Fault> {
    let (literals, distances, codes) = (bits.take(5)? + 257, bits.take(5)? + 1, bits.take(4)? + 4);
    let mut lengths = [0; 19];
    for place in ORDER.iter().take(codes) {
        *lengths.get_mut(*place).ok_or(Fault::Damaged)? = bits.take(3)?;
    }
    let code = Huffman::of(&lengths);
    let mut lengths: Vec<usize> = Vec::new();
    while lengths.len() < literals + distances {
        let (length, times) = match code.read(bits)? {
            16 => (*lengths.last().ok_or(Fault::Damaged)?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (length, 1),
        };
        lengths.extend(std::iter::repeat_n(length, times));
    }
    let (first, rest) = lengths.split_at_checked(literals).ok_or(Fault::Damaged)?;
    let second = rest.get(..distances).filter(|second| second.len() == rest.len()).ok_or(Fault::Damaged)?;
    Ok((Huffman::of(first), Huffman::of(second)))
}

/// Literals and copies up to the end of a block.
fn block(
    bits: &mut Bits<'_>,
    literals: &Huffman,
    distances: &Huffman,
    out: &mut Vec<u8>,
    most: usize,
) -> Result<(), Fault> {
    loop {
        let symbol = literals.read(bits)?;
        if let Ok(literal) = u8::try_from(symbol) {
            out.push(literal);
        } else if symbol == 256 {
            return Ok(());
        } else {
            let (base, extra) = *LENGTHS.get(symbol - 257).ok_or(Fault::Damaged)?;
            let length = base + bits.take(extra)?;
            let (base, extra) = *DISTANCES.get(distances.read(bits)?).ok_or(Fault::Damaged)?;
            let from = out.len().checked_sub(base + bits.take(extra)?).ok_or(Fault::Damaged)?;
            for at in from..from + length {
                let byte = *out.get(at).ok_or(Fault::Damaged)?;
                out.push(byte);
            }
        }
        if out.len() > most {
            return Err(Fault::TooLarge);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of zlib: one block with codes of its own.
    const DYNAMIC: &str = "H4sIAAAAAAACAyWRuxXAMAgDe6ZgNQoKGhqx/8vJyRfbQgIhXTaXuiJ7VNWr1vZW9xBofBzs99X4V4CV4kB1fOa0wdrbW9cOEybWI9j4dG/H1IwU4qSzMoGbO8zI66x0IRveNnghHOvyttEwzZmMKLyJ4Gbr/jVgRSktMCbk7+cE2a8CTAaZYcItWgrp6Hodc2jE1Dr9qbb0u0BKucRwSxH3N0AsRJHHQADWrcGy5wh+DvVV/5ertTMYgCPcOLL9KisXi3tupg+AOdJu4aM7140tIK7yXMaueON3JE7cryOdEf16ZkZB7tjGoPE3qHAhFFboMxoLAmFqj07HSPsZz/lTYXiuc/Onn1nn5dq12c773YrZePZ8ns+DilgCAAA=";
    /// Of zlib: one block with the fixed codes.
    const FIXED: &str = "H4sIAAAAAAACA0tMSk6EIQA0Km5aDAAAAA==";

    fn packed(base64: &str) -> Vec<u8> {
        base64_simd::STANDARD.decode_to_vec(base64).unwrap()
    }

    /// Six hundred letters, some far more frequent than others: worth a code of their own.
    fn text() -> Vec<u8> {
        let letters = b"eeeeeeeessssaaiint \n";
        let mut number = 12_345_u64;
        let mut draw = || {
            number = (number * 1_103_515_245 + 12_345) % (1 << 31);
            letters[usize::try_from((number >> 16) % 20).unwrap()]
        };
        (0..600).map(|_| draw()).collect()
    }

    #[test]
    fn what_zlib_packed_is_unpacked() {
        assert_eq!(gunzip(&packed(DYNAMIC), 10_000), Ok(text()));
        assert_eq!(gunzip(&packed(FIXED), 12), Ok(b"abcabcabcabc".to_vec()));
    }

    #[test]
    fn a_block_that_is_not_compressed_and_a_header_with_names_are_read() {
        let mut bytes = vec![0x1f, 0x8b, 8, 8 | 16 | 4, 0, 0, 0, 0, 0, 3, 2, 0, 9, 9];
        bytes.extend(b"name\0remark\0");
        bytes.extend([1, 3, 0, 0xfc, 0xff]);
        bytes.extend(b"abc");
        bytes.extend(crc(b"abc").to_le_bytes());
        bytes.extend(3_u32.to_le_bytes());
        assert_eq!((crc(b"abc"), gunzip(&bytes, 3)), (0x3524_41c2, Ok(b"abc".to_vec())));
    }

    #[test]
    fn more_than_is_allowed_is_not_unpacked() {
        assert_eq!(gunzip(&packed(DYNAMIC), 500), Err(Fault::TooLarge));
    }

    #[test]
    fn a_damaged_file_is_refused_whatever_the_damage() {
        let whole = packed(DYNAMIC);
        for end in 0..whole.len() {
            assert_eq!(gunzip(&whole[..end], 10_000), Err(Fault::Damaged), "cut at {end}");
        }
        // Bits that fill up an octet, or the length of a code nobody uses, mean nothing: the text is whole.
        let mut meaningless = 0;
        for at in 10..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << bit;
                if let Ok(unpacked) = gunzip(&bytes, 10_000) {
                    assert_eq!(unpacked, text(), "bit {bit} of octet {at}");
                    meaningless += 1;
                }
            }
        }
        assert!(meaningless < 8, "{meaningless}");
    }
}

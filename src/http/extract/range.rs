//! Range requests on documents (RFC 9110 §14): one range of bytes.

/// What a `Range` header asks of a document of a known size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// No range, several, or one we do not understand: the whole.
    Whole,
    /// These bytes, first and last included.
    Part {
        /// First byte.
        first: u64,
        /// Last byte.
        last: u64,
    },
    /// None of the bytes exist: 416.
    Beyond,
}

/// Reads a `Range` header.
pub(crate) fn asked(header: Option<&str>, size: u64) -> Asked {
    let Some(spec) = header.and_then(|header| header.trim().strip_prefix("bytes=")) else { return Asked::Whole };
    let Some((first, last)) = spec.split_once('-') else { return Asked::Whole };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    match (number(first), number(last)) {
        (Some(first), _) if first >= size => Asked::Beyond,
        (Some(first), Some(last)) if last >= first => Asked::Part { first, last: last.min(size.saturating_sub(1)) },
        (Some(first), None) if last.trim().is_empty() => Asked::Part { first, last: size.saturating_sub(1) },
        (None, Some(0)) if first.trim().is_empty() => Asked::Beyond,
        (None, Some(_)) if size == 0 => Asked::Beyond,
        (None, Some(count)) if first.trim().is_empty() => {
            Asked::Part { first: size.saturating_sub(count), last: size.saturating_sub(1) }
        }
        _ => Asked::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        let part = |first, last| Asked::Part { first, last };
        for (header, expected) in [
            (None, Asked::Whole),
            (Some("bytes=0-9"), part(0, 9)),
            (Some("bytes=90-"), part(90, 99)),
            (Some("bytes=-10"), part(90, 99)),
            (Some("bytes=95-200"), part(95, 99)),
            (Some("bytes=100-"), Asked::Beyond),
            (Some("bytes=-0"), Asked::Beyond),
            (Some("bytes=5-2"), Asked::Whole),
            (Some("bytes=0-1,3-4"), Asked::Whole),
            (Some("pages=1-2"), Asked::Whole),
        ] {
            assert_eq!(asked(header, 100), expected, "{header:?}");
        }
        assert_eq!(asked(Some("bytes=-5"), 0), Asked::Beyond);
    }
}

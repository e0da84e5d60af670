//! The named characters of HTML in a narrative: JSON may hold them, XML without a DTD may not
//! (R4 `narrative.html`, HTML 4.01 §24).

use std::borrow::Cow;

/// U+00A0 to U+00FF, in their order (HTML 4.01 §24.2.1).
const LATIN_1: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn \
    sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde \
    Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde \
    Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil \
    egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave \
    uacute ucirc uuml yacute thorn yuml";

/// Others that texts are written with (HTML 4.01 §24.3, §24.4).
const OTHERS: [(&str, char); 24] = [
    ("OElig", 'Œ'),
    ("oelig", 'œ'),
    ("Yuml", 'Ÿ'),
    ("ensp", '\u{2002}'),
    ("emsp", '\u{2003}'),
    ("thinsp", '\u{2009}'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("sbquo", '‚'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("dagger", '†'),
    ("bull", '•'),
    ("hellip", '…'),
    ("permil", '‰'),
    ("euro", '€'),
    ("trade", '™'),
    ("larr", '←'),
    ("rarr", '→'),
    ("le", '≤'),
    ("ge", '≥'),
];

/// What a narrative may hold of XML alone: characters of HTML stand for themselves, a name that neither
/// knows is shown as it is written.
pub(super) fn resolved(div: &str) -> Cow<'_, str> {
    if div.split('&').skip(1).all(is_of_xml) {
        return Cow::Borrowed(div);
    }
    let mut parts = div.split('&');
    let mut out = String::with_capacity(div.len());
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        if let Some((character, rest)) = part.split_once(';').and_then(|(name, rest)| Some((character(name)?, rest))) {
            out.push(character);
            out.push_str(rest);
        } else {
            out.push_str(if is_of_xml(part) { "&" } else { "&amp;" });
            out.push_str(part);
        }
    }
    Cow::Owned(out)
}

/// Whether what follows an ampersand is a reference that XML knows by itself.
fn is_of_xml(after: &str) -> bool {
    let name = after.split_once(';').map_or("", |(name, _)| name);
    name.starts_with('#') || matches!(name, "lt" | "gt" | "amp" | "apos" | "quot")
}

/// The character of a name of HTML.
fn character(name: &str) -> Option<char> {
    let latin = (0xA0_u32..).zip(LATIN_1.split_ascii_whitespace()).find(|(_, known)| *known == name);
    let latin = latin.and_then(|(code, _)| char::from_u32(code));
    latin.or_else(|| OTHERS.iter().find(|(known, _)| *known == name).map(|(_, character)| *character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_html_become_characters_and_those_of_xml_stay() {
        assert_eq!(resolved("a &amp; b &#233; &#xe9;"), "a &amp; b &#233; &#xe9;");
        assert_eq!(resolved("x&nbsp;y&eacute;&yuml;&rarr;&lt;"), "x\u{a0}yéÿ→&lt;");
        assert_eq!(resolved("&unknown;&szlig;& z"), "&amp;unknown;ß&amp; z");
        assert_eq!(LATIN_1.split_ascii_whitespace().count(), 96);
    }
}

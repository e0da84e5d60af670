//! Text as strings are searched: without case, accents, hyphens (R4 search §string).

/// Folded text is kept up to this many bytes; longer search values are cut the same way.
const FOLDED_BYTES: usize = 128;

/// Lower case, no accents; hyphens, apostrophes and runs of blanks become one blank.
pub(in crate::fhir) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars() {
        if folded.len() >= FOLDED_BYTES {
            break;
        }
        if is_blank(letter) {
            if !folded.is_empty() && !folded.ends_with(' ') {
                folded.push(' ');
            }
        } else if letter.is_ascii() {
            folded.push(letter.to_ascii_lowercase());
        } else if !is_mark(letter) {
            letter.to_lowercase().for_each(|lower| push_bare(&mut folded, lower));
        }
    }
    folded.truncate(folded.floor_char_boundary(FOLDED_BYTES));
    folded.truncate(folded.trim_end().len());
    folded
}

/// Between the folded text of a row and the text as it is written. It stands before every letter, so
/// that what begins alike stays together; no FHIR string holds it.
const SEPARATOR: char = '\u{1}';

/// The row of a text: folded for searches by its beginning or its parts, then as written for `:exact`.
pub(super) fn row(text: &str) -> String {
    let mut row = fold(text);
    row.push(SEPARATOR);
    row.push_str(text);
    row
}

fn is_blank(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(letter, '-' | '\'' | '\u{2010}'..='\u{2015}' | '\u{2018}' | '\u{2019}' | '\u{2bc}')
}

/// Accents written as characters of their own.
fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}')
}

fn push_bare(folded: &mut String, letter: char) {
    let bare = match letter {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' | 'ạ'..='ặ' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'ẹ'..='ệ' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'ỉ' | 'ị' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'ơ' | 'ọ'..='ợ' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'ư' | 'ụ'..='ự' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' | 'ỳ'..='ỹ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        other => {
            if !is_mark(other) {
                folded.push(other);
            }
            return;
        }
    };
    folded.push_str(bare);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_to_plain_letters() {
        for (text, folded) in [
            ("MARIE-LOUISE", "marie louise"),
            ("  Élodie  ", "elodie"),
            ("E\u{301}lodie", "elodie"),
            ("D’Œuvre", "d oeuvre"),
            ("ŁÓDŹ Straße", "lodz strasse"),
            ("İstanbul", "istanbul"),
            ("名前", "名前"),
        ] {
            assert_eq!(fold(text), folded);
        }
    }

    #[test]
    fn folding_stops_at_its_cap_on_a_whole_character() {
        assert_eq!(fold(&"名".repeat(100)).len(), 126);
    }
}

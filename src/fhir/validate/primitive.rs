//! The grammars of the primitive types (R4 `datatypes.html#primitive`).

use serde_json::Value;

use super::Options;
use crate::fhir::datatype::{DateTime, is_id, is_time};
use crate::fhir::definition::Primitive;
use crate::fhir::narrative;

/// Longest string, in octets.
const LONGEST: usize = 1024 * 1024;

/// Whether a JSON value is of a primitive type.
pub(super) fn holds(kind: Primitive, value: &Value, options: Options) -> bool {
    match (kind, value) {
        (Primitive::Boolean, value) => value.is_boolean(),
        (Primitive::Decimal, value) => value.is_number(),
        (Primitive::Integer, value) => whole(value).is_some_and(|number| i32::try_from(number).is_ok()),
        (Primitive::PositiveInt, value) => {
            whole(value).is_some_and(|number| (1..=i64::from(i32::MAX)).contains(&number))
        }
        (Primitive::UnsignedInt, value) => {
            whole(value).is_some_and(|number| (0..=i64::from(i32::MAX)).contains(&number))
        }
        (_, Value::String(text)) => text_holds(kind, text, options),
        _ => false,
    }
}

/// A number written without fraction or exponent.
fn whole(value: &Value) -> Option<i64> {
    value.as_number()?.as_i64()
}

fn text_holds(kind: Primitive, text: &str, options: Options) -> bool {
    if text.is_empty() {
        return false;
    }
    match kind {
        Primitive::Base64Binary => (options.data_was_cut && is_cut(text)) || is_base64(text),
        Primitive::Code => is_code(text),
        Primitive::Date => DateTime::parse_date(text).is_some(),
        Primitive::DateTime => DateTime::parse(text).is_some(),
        Primitive::Id => is_id(text),
        Primitive::Instant => DateTime::parse_instant(text).is_some(),
        Primitive::Time => is_time(text),
        Primitive::Oid => text.strip_prefix("urn:oid:").is_some_and(is_oid),
        Primitive::Uuid => text.strip_prefix("urn:uuid:").is_some_and(is_uuid),
        Primitive::Uri | Primitive::Url | Primitive::Canonical => !text.contains(char::is_whitespace),
        Primitive::String | Primitive::Markdown => text.len() <= LONGEST && is_printable(text),
        Primitive::Xhtml => narrative::is_safe(text),
        Primitive::Boolean
        | Primitive::Decimal
        | Primitive::Integer
        | Primitive::PositiveInt
        | Primitive::UnsignedInt => false,
    }
}

/// The mark that stands for data cut out while streaming: `#data:<n>`.
fn is_cut(text: &str) -> bool {
    text.strip_prefix("#data:")
        .is_some_and(|digits| (1..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// White space is allowed anywhere, padding where RFC 4648 has it.
fn is_base64(text: &str) -> bool {
    let holds = |bytes: &[u8]| base64_simd::STANDARD.check(bytes).is_ok();
    holds(text.as_bytes()) || {
        let dense: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        dense.len() < text.len() && !dense.is_empty() && holds(&dense)
    }
}

/// `[^\s]+(\s[^\s]+)*`.
fn is_code(text: &str) -> bool {
    text.split(char::is_whitespace).all(|word| !word.is_empty())
}

fn is_oid(dotted: &str) -> bool {
    let arc_holds = |arc: &str| {
        !arc.is_empty() && arc.bytes().all(|byte| byte.is_ascii_digit()) && (arc == "0" || !arc.starts_with('0'))
    };
    dotted.starts_with(['0', '1', '2']) && dotted.contains('.') && dotted.split('.').all(arc_holds)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// No control characters but tab, line feed and carriage return.
fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| byte >= 0x20 || matches!(byte, b'\t' | b'\n' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_primitive_takes_its_own_and_refuses_the_rest() {
        let plain = Options::default();
        for (kind, good, wrong) in [
            (Primitive::Boolean, json!([true, false]), json!(["true", 1, null])),
            (Primitive::Integer, json!([0, -5, 2_147_483_647]), json!(["0", 1.5, 2_147_483_648_i64, true])),
            (Primitive::PositiveInt, json!([1]), json!([0, -1, "1"])),
            (Primitive::UnsignedInt, json!([0, 7]), json!([-1, 0.5])),
            (Primitive::Decimal, json!([0.10, 3, -1.5]), json!(["1", true])),
            (Primitive::Code, json!(["a", "a b"]), json!(["", " a", "a ", "a  b", 1])),
            (Primitive::Id, json!(["A-1.b"]), json!(["", "a_b", "a b", "x".repeat(65)])),
            (Primitive::Uri, json!(["urn:x", "x", "http://a/b?c=d"]), json!(["", "a b", "a\n"])),
            (Primitive::Oid, json!(["urn:oid:1.2.0"]), json!(["1.2", "urn:oid:1.02", "urn:oid:3.1", "urn:oid:1"])),
            (
                Primitive::Uuid,
                json!(["urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"]),
                json!([
                    "53fefa32-fcbb-4ff8-8a92-55ee120877b7",
                    "urn:uuid:53FEFA32-fcbb-4ff8-8a92-55ee120877b7",
                    "urn:uuid:x"
                ]),
            ),
            (Primitive::Base64Binary, json!(["YQ==", "Y Q = =\n", "YWJj"]), json!(["", "Y", "YQ=", "Y*==", "#data:1"])),
            (
                Primitive::Instant,
                json!(["2015-02-07T13:28:17.239+02:00"]),
                json!(["2015-02-07", "2015-02-30T00:00:00Z"]),
            ),
            (Primitive::Date, json!(["2015", "2015-02-28"]), json!(["2015-02-29", "2015-02-07T00:00:00Z", 2015])),
            (Primitive::Time, json!(["13:28:17"]), json!(["24:00:00", "13:28"])),
            (Primitive::String, json!(["é\n", " "]), json!(["", "\u{1}", 1, {}])),
        ] {
            for value in good.as_array().unwrap() {
                assert!(holds(kind, value, plain), "{kind:?} {value}");
            }
            for value in wrong.as_array().unwrap() {
                assert!(!holds(kind, value, plain), "{kind:?} {value}");
            }
        }
    }

    #[test]
    fn the_mark_of_cut_data_is_taken_only_where_it_may_stand() {
        let cut = Options { data_was_cut: true };
        assert!(holds(Primitive::Base64Binary, &json!("#data:12"), cut));
        for wrong in ["#data:", "#data:-1", "#data:1x", "data:1", "#data:1 "] {
            assert!(!holds(Primitive::Base64Binary, &json!(wrong), cut), "{wrong}");
        }
        assert!(!holds(Primitive::String, &json!(""), cut));
    }
}

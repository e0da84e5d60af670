//! Sealed page links: opened by their owner only (contract §8; pains 5).

use espace::error::Code;
use espace::fhir::search::page::{Page, Position, Sealer, Snapshot, Value};
use espace::ids::{SeededIds, SystemIds};
use uuid::Uuid;

fn sealer() -> Sealer {
    Sealer::new(&[7; 32]).unwrap()
}

fn page() -> Page {
    let after = Position { values: vec![Some(Value::Number(-5))], id: Uuid::from_u128(9), snapshot: None };
    Page { query: "patient=Patient/0000000000042&status=current".to_owned(), after }
}

const CALLER: &str = "1750803447|801234567897";

#[test]
fn a_page_link_reads_back_for_its_caller() {
    let (number, text) = (|number| Some(Value::Number(number)), |text: &str| Some(Value::Text(text.to_owned())));
    let snapshot = Some(Snapshot { at: 1_795_341_600_000_000, total: 3 });
    for (values, snapshot) in [
        (vec![], None),
        (vec![None], snapshot),
        (vec![number(0)], snapshot),
        (vec![number(i64::MIN), None, number(i64::MAX), number(-1)], None),
        (vec![text("durand\u{1}Durand"), number(4), text("")], snapshot),
    ] {
        let page = Page { after: Position { values, snapshot, ..page().after }, ..page() };
        assert!(!format!("{page:?}").contains("urand"), "what orders may be a name");
        let token = sealer().seal(&page, "DocumentReference", CALLER, &SystemIds::default()).unwrap();
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
        assert_eq!(sealer().open(&token, "DocumentReference", CALLER).unwrap(), page);
    }
}

#[test]
fn a_page_link_of_another_caller_type_or_server_is_refused() {
    let token = sealer().seal(&page(), "DocumentReference", CALLER, &SystemIds::default()).unwrap();
    let code = |sealer: Sealer, kind, caller| sealer.open(&token, kind, caller).expect_err("opened").code();
    assert_eq!(code(sealer(), "DocumentReference", "1750803447|899700218896"), Code::PageLink);
    assert_eq!(code(sealer(), "List", CALLER), Code::PageLink);
    assert_eq!(code(Sealer::new(&[8; 32]).unwrap(), "DocumentReference", CALLER), Code::PageLink);
    assert!(sealer().open_constant(&token, CALLER).is_err());
}

#[test]
fn a_forged_or_tampered_page_link_is_refused() {
    let token = sealer().seal(&page(), "List", CALLER, &SystemIds::default()).unwrap();
    for place in 0..token.len() - 1 {
        let mut forged = token.clone().into_bytes();
        forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
        assert!(sealer().open(std::str::from_utf8(&forged).unwrap(), "List", CALLER).is_err(), "{place}");
    }
    for forged in ["", "A", "é", "AAAA", token.get(4..).unwrap(), &format!("{token}AAAA"), &"A".repeat(100)] {
        assert_eq!(sealer().open(forged, "List", CALLER).expect_err(forged).code(), Code::PageLink);
    }
}

#[test]
fn a_sealed_text_tells_neither_itself_nor_its_length() {
    let ids = SystemIds::default();
    let seal = |text: &str| sealer().seal_constant(text, 64, CALLER, &ids).unwrap();
    let (ins, id) = (seal("urn:oid:1.2.250.1.213.1.4.10|279035121518989"), seal("Patient/0000000000042"));
    assert_eq!(ins.len(), id.len());
    assert_ne!(ins, seal("urn:oid:1.2.250.1.213.1.4.10|279035121518989"));
    assert_eq!(sealer().open_constant(&id, CALLER).unwrap(), "Patient/0000000000042");
    assert!(sealer().open_constant(&id, "another").is_err());
    assert_eq!(sealer().seal_constant(&"x".repeat(65), 64, CALLER, &ids).expect_err("too long").code(), Code::Value);
}

#[test]
fn a_replay_with_seeded_ids_writes_the_same_links() {
    let seal = || sealer().seal(&page(), "List", CALLER, &SeededIds::new(3)).unwrap();
    assert_eq!(seal(), seal());
}

//! Which types a profession reads (document-sharing §3.7), and what the patient side deposits.

use espace::rules::deposit::accepts;
use espace::rules::habilitation::{Habilitation, Matrix};

#[test]
fn the_public_cells_are_as_the_sources_state_them() {
    let reads = |profession: &str, kind: &str| Habilitation::built_in(profession).reads(kind);
    assert!(reads("10", "http://loinc.org|83901-9") && !reads("10", "x|ATTEST-RESID"));
    for kind in ["80788-3", "75496-0", "83981-1", "83901-9", "68599-0"] {
        assert!(!reads("40", kind), "dentist {kind}");
    }
    for kind in ["75496-0", "68599-0", "83901-9", "68817-6", "89601-9"] {
        assert!(!reads("60", kind), "nurse {kind}");
    }
    for kind in ["83981-1", "47420-5", "11502-2", "15507-7", "56445-0", "PROT_ALD"] {
        assert!(reads("60", kind), "nurse {kind}");
    }
}

#[test]
fn a_profession_that_is_not_listed_reads_nothing() {
    for profession in ["21", "41", "", "94"] {
        assert!(!Habilitation::built_in(profession).reads("http://loinc.org|11488-4"), "{profession}");
    }
}

#[test]
fn an_operators_table_stands_in_and_its_faults_are_told_by_line() {
    let header = "profession,type,right,verdict,why,rule\n";
    let read = |rows: &str| Matrix::read(&format!("{header}{rows}"));
    let matrix = read("21,*,read,permit,own,X\n21,11502-2,read,deny,own,X\n26,11488-4,read,permit,own,X\n").unwrap();
    assert!(matrix.of("21").reads("11488-4") && !matrix.of("21").reads("http://loinc.org|11502-2"));
    assert!(matrix.of("26").reads("11488-4") && !matrix.of("26").reads("11502-2"));
    assert!(!matrix.of("10").reads("11488-4"), "the committed table no longer speaks");
    for wrong in
        ["", "21,*,write,permit,own,X", "21,*,read,maybe,own,X", ",*,read,permit,own,X", "*,*,read,permit,own,X"]
    {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    assert_eq!(read("21,*,read,permit,a,X\n21,*,read,deny,b,X").unwrap_err(), ["line 3: this cell stands twice"]);
    assert!(Matrix::read("type,profession\n21,*").is_err());
}

#[test]
fn mes_40_deposits_are_of_seven_formats_and_at_most_five_million_bytes() {
    for kind in
        ["application/pdf", "text/plain; charset=utf-8", "application/rtf", "image/jpeg", "IMAGE/PNG", "image/tiff"]
    {
        assert!(accepts(kind, 5_000_000), "{kind}");
        assert!(!accepts(kind, 5_000_001), "{kind}");
    }
    let docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    for kind in ["text/xml", docx, "", "image/svg+xml", "text/html"] {
        assert!(!accepts(kind, 1), "{kind}");
    }
}

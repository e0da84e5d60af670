//! Documents that want something: each is refused, for the right reason.

use espace::xml::{Kind, Limits, check};

fn refusal(bytes: &[u8]) -> Kind {
    check(bytes, Limits::HEADER).expect_err("was accepted").kind
}

#[test]
fn a_doctype_is_refused_whatever_it_holds() {
    let laughs = (1..10).fold(String::from("<!ENTITY l0 'ha'>"), |all, n| {
        all + &format!("<!ENTITY l{n} '{}'>", format!("&l{};", n - 1).repeat(10))
    });
    let documents = [
        String::from("<!DOCTYPE a><a/>"),
        String::from("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>"),
        String::from("<!DOCTYPE a [<!ENTITY x SYSTEM 'http://169.254.169.254/'>]><a>&x;</a>"),
        String::from("<!DOCTYPE a [<!ENTITY % x SYSTEM 'file:///dev/zero'> %x;]><a/>"),
        format!("<!DOCTYPE a [{laughs}]><a>&l9;</a>"),
        format!("<!DOCTYPE a [<!ENTITY x '{}'>]><a>{}</a>", "x".repeat(50_000), "&x;".repeat(50_000)),
    ];
    for document in documents {
        assert_eq!(refusal(document.as_bytes()), Kind::Doctype);
    }
    assert_eq!(refusal(b"<a/><!DOCTYPE a>"), Kind::Doctype);
}

#[test]
fn only_the_five_entities_and_real_characters_are_resolved() {
    assert_eq!(check(b"<a b='&lt;&#65;'>&quot;&#x41;</a>", Limits::HEADER), Ok(1));
    for text in ["<a>&nbsp;</a>", "<a>&x;</a>", "<a>&#0;</a>", "<a>&#1;</a>", "<a>&#xD800;</a>", "<a>&#x110000;</a>"] {
        assert_eq!(refusal(text.as_bytes()), Kind::Entity, "{text}");
    }
    assert_eq!(refusal(b"<a b='&nbsp;'/>"), Kind::Entity);
    assert_eq!(refusal(b"<a b='&#1;'/>"), Kind::Character);
    assert_eq!(refusal(b"<a>\x01</a>"), Kind::Character);
    assert_eq!(refusal(b"<a><![CDATA[\0]]></a>"), Kind::Character);
}

#[test]
fn each_bound_holds() {
    let limits = Limits { depth: 3, attributes: 2, tag_bytes: 100, name_bytes: 10, text_bytes: 20, bytes: 500 };
    let kind = |text: &str| check(text.as_bytes(), limits).map_err(|error| error.kind);
    assert_eq!(kind("<a><b><c x='' y=''/></b></a>"), Ok(3));
    assert_eq!(kind("<a><b><c><d/></c></b></a>"), Err(Kind::Depth));
    assert_eq!(kind("<a x='' y='' z=''/>"), Err(Kind::Attributes));
    assert_eq!(kind("<a xmlns:x='u' xmlns:y='u' xmlns:z='u'/>"), Err(Kind::Attributes));
    assert_eq!(kind(&format!("<a x='{}'/>", "x".repeat(200))), Err(Kind::Attributes));
    assert_eq!(kind(&format!("<a>{}</a>", "<b/>".repeat(200))), Err(Kind::Size));
    assert_eq!(kind("<abcdefghijk/>"), Err(Kind::Name));
    assert_eq!(kind(&format!("<a>{}</a>", "x".repeat(21))), Err(Kind::Text));
    assert_eq!(kind(&format!("<a><![CDATA[{}]]></a>", "x".repeat(21))), Err(Kind::Text));
    assert_eq!(kind(&format!("<a b='{}'/>", "x".repeat(21))), Err(Kind::Text));
}

#[test]
fn ten_thousand_levels_do_not_touch_the_stack() {
    assert_eq!(refusal("<a>".repeat(10_000).as_bytes()), Kind::Depth);
}

#[test]
fn other_encodings_and_versions_are_refused_clearly() {
    assert_eq!(refusal(b"<?xml version='1.0' encoding='ISO-8859-1'?><a/>"), Kind::Encoding);
    assert_eq!(refusal(b"<?xml version='1.0' encoding='windows-1252'?><a>\xe9</a>"), Kind::Encoding);
    assert_eq!(refusal(b"\xff\xfe<\0a\0/\0>\0"), Kind::Encoding);
    assert_eq!(refusal(b"<a>\xe9.</a>"), Kind::Encoding);
    assert_eq!(refusal(b"<?xml version='1.1'?><a/>"), Kind::Version);
    assert_eq!(check(b"<?xml version='1.0' encoding='utf-8'?><a/>", Limits::HEADER), Ok(1));
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for text in [
        "<a></b>",
        "<a/>x",
        "<a/><b/>",
        "x<a/>",
        "</a>",
        "<a b=c/>",
        "<a b/>",
        "<1a/>",
        "<a:b:c xmlns:a='u'/>",
        "<a b='<'/>",
        "<a> <?xml version='1.0'?></a>",
        " <?xml version='1.0'?><a/>",
        "<a>&</a>",
        "<a>& b</a>",
        "<![CDATA[x]]><a/>",
        "<!x><a/>",
    ] {
        assert_eq!(refusal(text.as_bytes()), Kind::Syntax, "{text}");
    }
    assert_eq!(refusal(b"<a b='' b=''/>"), Kind::DuplicateAttribute);
    assert_eq!(refusal(b"<x:a/>"), Kind::Namespace);
    assert_eq!(refusal(b"<a xmlns:x=''/>"), Kind::Namespace);
}

#[test]
fn what_ends_too_early_is_truncated() {
    for text in
        ["", " ", "<", "<a", "<a>", "<a b='", "<a>x", "<a><!-- ", "<a><![CDATA[", "<?xml version='1.0'", "<a><b></b>"]
    {
        assert_eq!(refusal(text.as_bytes()), Kind::Truncated, "{text:?}");
    }
    let cut = "<a>é".as_bytes();
    assert_eq!(refusal(&cut[..cut.len() - 1]), Kind::Truncated);
}

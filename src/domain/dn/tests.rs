use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn dn(text: &str) -> DistinguishedName {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn reason(text: &str) -> String {
    text.parse::<DistinguishedName>().unwrap_err().reason
}

#[test]
fn case_and_blanks_round_separators_do_not_count() {
    let plain = dn("CN=Ana,OU=Sales Team,DC=corp,DC=contoso,DC=com");
    assert_eq!(plain, dn("cn = ana , ou=SALES team,dc=Corp ,DC=contoso, dc=COM "));
    assert_ne!(plain, dn("CN=Ana,OU=SalesTeam,DC=corp,DC=contoso,DC=com"));
    assert_eq!(dn("OU=ÄRZTE,DC=x"), dn("ou=ärzte,dc=x"));
    assert_eq!(dn("OU=ΟΔΟΣ,DC=x"), dn("OU=οδος,DC=x"));
}

#[test]
fn one_character_may_be_escaped_in_several_ways() {
    let name = dn(r"CN=Doe\, Ana,DC=x");
    assert_eq!(name, dn(r"CN=Doe\2C Ana,DC=x"));
    assert_eq!(name, dn(r"CN=Doe\2c Ana,DC=x"));
    assert_eq!(name, dn(r#"CN="Doe, Ana",DC=x"#));
    assert_eq!(dn(r"CN=Lu\C4\8Di\C4\87,DC=x"), dn("CN=Lučić,DC=x"));
    assert_eq!(dn(r"CN=a\=b,DC=x"), dn("CN=a=b,DC=x"));
    assert_ne!(dn(r"CN=a\ ,DC=x"), dn("CN=a,DC=x"));
    assert_ne!(dn(r"CN=\ a,DC=x"), dn("CN=a,DC=x"));
    assert_ne!(dn(r"CN=\#04,DC=x"), dn("CN=#04,DC=x"));
    assert_eq!(dn(r"CN=a\\,DC=x"), dn(r"CN=a\5c,DC=x"));
}

#[test]
fn an_escaped_comma_is_no_boundary() {
    let outer = dn("OU=Sales,DC=x");
    assert!(!dn(r"CN=Ana\,OU=Sales,DC=x").is_below(&outer));
    assert!(dn(r"CN=Ana\,OU=Sales,DC=x").is_directly_in(&dn("DC=x")));
    assert!(!dn(r"CN=Ana\\\,OU=Sales,DC=x").is_below(&outer));
    assert!(dn(r"CN=Ana\\,OU=Sales,DC=x").is_directly_in(&outer));
}

#[test]
fn an_ou_is_not_one_whose_name_begins_or_ends_alike() {
    let sales = dn("OU=Sales,DC=corp,DC=com");
    assert!(!dn("CN=Ana,OU=Sales-IT,DC=corp,DC=com").is_below(&sales));
    assert!(!dn("CN=Ana,OU=Pre-OU=Sales,DC=corp,DC=com").is_below(&sales));
    assert!(!dn("CN=Ana,XOU=Sales,DC=corp,DC=com").is_below(&sales));
    assert!(!sales.is_below(&sales));
    assert!(dn("CN=Ana,OU=North,ou=sales, DC=corp,DC=com").is_below(&sales));
    assert!(!dn("CN=Ana,OU=North,OU=Sales,DC=corp,DC=com").is_directly_in(&sales));
    assert!(dn("CN=Ana,OU=Sales,DC=corp,DC=com").is_directly_in(&sales));
}

#[test]
fn a_multi_valued_component_is_a_set() {
    assert_eq!(dn("CN=Ana+UID=7,DC=x"), dn("uid=7 + cn=ana,DC=x"));
    assert_eq!(dn("CN=Ana+CN=ana,DC=x"), dn("CN=Ana,DC=x"));
    assert_ne!(dn("CN=Ana+UID=7,DC=x"), dn("CN=Ana,DC=x"));
    assert!(dn("CN=Ana+UID=7,DC=x").is_directly_in(&dn("DC=x")));
    assert!(!dn("OU=A+OU=B,DC=x").is_below(&dn("OU=B,DC=x")));
}

#[test]
fn what_cannot_be_read_says_why() {
    for (text, why) in [
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("Sales", r"`Sales` has no `=`; a comma inside a value is `\,`"),
        ("OU=Sales, West,DC=x", r"`West` has no `=`; a comma inside a value is `\,`"),
        ("OU=Sales,,DC=x", "a component is empty"),
        ("OU=Sales,", "a component is empty"),
        ("OU=,DC=x", "`ou` has no value"),
        ("O U=x", "`O U` is not an attribute type"),
        ("=x", "`` is not an attribute type"),
        (r"OU=a\", "it ends in a bare backslash"),
        (r"OU=a\zz", r"`\z` is not an escape; a backslash itself is `\\`"),
        (r"OU=a\ff", "its escapes are not valid UTF-8"),
        ("OU=#04a", r"`#` wants an even number of hexadecimal digits; a `#` itself is `\#`"),
        ("OU=a;DC=x", r"`;` must be escaped as `\;`"),
        (r#"OU="a"#, "a quotation mark is not closed"),
        (r#"OU="a"b"#, r"`b` must be escaped as `\b`"),
    ] {
        assert_eq!(reason(text), why, "{text}");
    }
    assert!(reason(&"OU=a,".repeat(10_000)).starts_with("it is longer than"));
}

#[test]
fn a_name_prints_as_it_was_written_and_costs_one_string_where_it_is_plain() {
    let text = "CN=Ana,OU=Sales,DC=corp,DC=contoso,DC=com";
    assert_eq!(dn(text).to_string(), text);
    assert!(dn(text).canonical.is_none());
    assert_eq!(dn(r"CN=Doe\, Ana,DC=x").to_string(), r"CN=Doe\, Ana,DC=x");
    assert!(size_of::<DistinguishedName>() <= 32);
}

fn any_value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9][a-zA-Z0-9 ._-]{0,8}[a-zA-Z0-9]",
        r#"[a-zÄÖü ,+="\\#;<>]{1,6}"#,
        any::<String>().prop_filter("values are not empty", |value| !value.is_empty()),
    ]
}

/// Components from the outermost in, so that a prefix is a container.
fn any_path() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::vec(("[A-Za-z][A-Za-z0-9-]{0,4}", any_value()), 1..5)
}

/// Writes a path, escaping every special character, in the given style.
fn write(path: &[(String, String)], hexadecimal: bool, blank: &str) -> String {
    let component = |(attribute, value): &(String, String)| {
        let mut text = format!("{attribute}{blank}={blank}");
        for character in value.chars() {
            if character.is_ascii_alphanumeric() || (!hexadecimal && !character.is_ascii()) {
                text.push(character);
            } else if !hexadecimal && " \"#+,;<=>\\".contains(character) {
                text.push('\\');
                text.push(character);
            } else {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    text.push_str(&["\\".to_owned(), format!("{byte:02X}")].concat());
                }
            }
        }
        text
    };
    let components: Vec<_> = path.iter().rev().map(component).collect();
    components.join(&format!("{blank},{blank}"))
}

proptest! {
    /// Reading what was printed gives the same name.
    #[test]
    fn reading_what_was_printed_gives_the_name(path in any_path()) {
        let name = dn(&write(&path, false, ""));
        prop_assert_eq!(dn(&name.to_string()), name);
    }

    /// Escapes, blanks and the case of ASCII letters do not count; all three at once neither.
    #[test]
    fn ways_of_writing_do_not_count(path in any_path()) {
        let name = dn(&write(&path, false, ""));
        let other = dn(&write(&path, true, " "));
        prop_assert_eq!(&name, &other);
        prop_assert_eq!(name.cmp(&other), Ordering::Equal);
        let upper: Vec<_> = path
            .iter()
            .map(|(attribute, value)| (attribute.to_ascii_uppercase(), value.to_ascii_uppercase()))
            .collect();
        prop_assert_eq!(&name, &dn(&write(&upper, false, "  ")));
        prop_assert_eq!(BTreeSet::from([name, other]).len(), 1);
    }

    /// A longer path lies below each of its beginnings, and directly in the last of them alone.
    #[test]
    fn below_follows_the_components(path in any_path(), length in 1_usize..5) {
        let name = dn(&write(&path, false, " "));
        let length = length.min(path.len());
        let outer = dn(&write(&path[..length], true, ""));
        prop_assert_eq!(name.is_below(&outer), length < path.len());
        prop_assert_eq!(name.is_directly_in(&outer), length + 1 == path.len());
        prop_assert!(!outer.is_below(&name));
    }

    /// Below is irreflexive and transitive.
    #[test]
    fn below_is_a_strict_order(first in any_path(), second in any_path(), third in any_path()) {
        let a = dn(&write(&first, false, ""));
        let ab = dn(&write(&[first.clone(), second.clone()].concat(), false, ""));
        let abc = dn(&write(&[first, second, third].concat(), false, ""));
        prop_assert!(!a.is_below(&a));
        prop_assert!(ab.is_below(&a) && abc.is_below(&ab) && abc.is_below(&a));
    }

    /// No text makes the reader panic.
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), like in r##"[OU=,+\\"#;a0 ]{0,20}"##) {
        let _ = text.parse::<DistinguishedName>();
        if let Ok(name) = like.parse::<DistinguishedName>() {
            prop_assert_eq!(dn(&name.to_string()), name);
        }
    }
}

#[test]
fn people_see_a_name_without_its_domain() {
    let shown = |text: &str| text.parse::<DistinguishedName>().unwrap().without_domain().to_owned();
    assert_eq!(
        shown(r"OU=Sales\, North,OU=People,DC=corp,DC=contoso,DC=com"),
        r"OU=Sales\, North,OU=People"
    );
    assert_eq!(shown(r"OU=A\,DC=b , dc=corp"), r"OU=A\,DC=b");
    assert_eq!(shown("DC=corp,DC=com"), "DC=corp");
    assert_eq!(shown("OU=Sales"), "OU=Sales");
}

#[test]
fn the_parent_of_a_name_is_the_container_that_it_lies_in() {
    let parent = |text: &str| {
        let name: DistinguishedName = text.parse().unwrap();
        name.parent().map(|parent| (parent.to_string(), parent.is_domain()))
    };
    let below = |text: &str, is_domain| Some((text.to_owned(), is_domain));
    assert_eq!(parent("CN=Ana,OU=Sales,DC=corp"), below("OU=Sales,DC=corp", false));
    assert_eq!(parent("CN=Berg\\, Ana , OU=Sales,DC=corp"), below("OU=Sales,DC=corp", false));
    assert_eq!(parent("CN=\"Berg, Ana\",OU=Sales,DC=corp"), below("OU=Sales,DC=corp", false));
    assert_eq!(parent("OU=Sales,dc=corp"), below("dc=corp", true));
    assert_eq!(parent("DC=corp"), None);
}

use proptest::prelude::*;

use super::*;
use crate::yaml::{Kind, Node, SourceFile, parse};

/// Reads a text back, with every scalar as text.
fn read(text: &str) -> Value {
    let file = SourceFile { name: "a.yaml".into(), text: text.into() };
    from_node(&parse(&file).unwrap_or_else(|problems| panic!("{text}\n{problems:?}")))
}

fn from_node(node: &Node) -> Value {
    match &node.kind {
        Kind::Scalar { text, plain: _ } => Value::text(text),
        Kind::Sequence(items) => Value::List(items.iter().map(from_node).collect()),
        Kind::Mapping(entries) => {
            let entry = |entry: &crate::yaml::Entry| {
                (entry.key.to_string().into(), from_node(&entry.value))
            };
            Value::Mapping(entries.iter().map(entry).collect())
        }
    }
}

/// What readers of YAML take for something else, or trip over.
const LOOKS: [&str; 47] = [
    "NO",
    "y",
    "Yes",
    "off",
    "null",
    "~",
    "0123",
    "1e3",
    "0x1F",
    "1:30",
    "2026-01-01",
    ".inf",
    "*",
    "*all",
    "&a",
    "!tag",
    "#",
    "a #b",
    "a: b",
    "a:",
    "- a",
    "? a",
    "[a]",
    "{a}",
    "a, b]",
    "@at",
    "`tick`",
    "%dir",
    "|",
    ">",
    "'",
    "\"",
    "it's",
    " lead",
    "trail ",
    "a\tb",
    "a\nb",
    "a\\b",
    "",
    "=",
    "<<",
    "\u{feff}bom",
    "nbsp\u{a0}",
    "rtl\u{202e}",
    "é",
    "日本",
    "😀",
];

#[test]
fn what_looks_like_something_else_is_put_in_quotation_marks() {
    let list: Vec<Value> = LOOKS.iter().map(|text| Value::text(text)).collect();
    let text = format!("list:\n{}", items(&list, 2));
    insta::assert_snapshot!(text, @r##"
    list:
      - "NO"
      - "y"
      - "Yes"
      - "off"
      - "null"
      - "~"
      - "0123"
      - "1e3"
      - "0x1F"
      - "1:30"
      - "2026-01-01"
      - ".inf"
      - "*"
      - "*all"
      - "&a"
      - "!tag"
      - "#"
      - "a #b"
      - "a: b"
      - "a:"
      - "- a"
      - "? a"
      - "[a]"
      - "{a}"
      - "a, b]"
      - "@at"
      - "`tick`"
      - "%dir"
      - "|"
      - ">"
      - "'"
      - "\""
      - it's
      - " lead"
      - "trail "
      - "a\tb"
      - |-
        a
        b
      - a\b
      - ""
      - "="
      - "<<"
      - "\ufeffbom"
      - "nbsp\xa0"
      - "rtl\u202e"
      - é
      - 日本
      - "😀"
    "##);
    assert_eq!(read(&text), Value::Mapping(vec![("list".into(), Value::List(list))]));
}

#[test]
fn a_long_list_has_a_line_for_each_and_a_short_one_has_one() {
    let list = |count: usize| Value::List(vec![Value::text("TEAMS1, or so"); count]);
    let entries =
        vec![("short".into(), list(2)), ("long".into(), list(8)), ("none".into(), list(0))];
    insta::assert_snapshot!(items(&[Value::Mapping(entries)], 0), @r#"
    - short: ["TEAMS1, or so", "TEAMS1, or so"]
      long:
        - TEAMS1, or so
        - TEAMS1, or so
        - TEAMS1, or so
        - TEAMS1, or so
        - TEAMS1, or so
        - TEAMS1, or so
        - TEAMS1, or so
        - TEAMS1, or so
      none: []
    "#);
}

#[test]
fn several_lines_stay_several_lines_where_nothing_is_lost() {
    let texts = ["one\ntwo", "one\n\ntwo\n", "one\n two", "one \ntwo", "one\ntwo\n\n", "\none"];
    let list: Vec<Value> = texts.iter().map(|text| Value::text(text)).collect();
    let text = items(&list, 0);
    insta::assert_snapshot!(text, @r#"
    - |-
      one
      two
    - |
      one

      two
    - "one\n two"
    - "one \ntwo"
    - "one\ntwo\n\n"
    - "\none"
    "#);
    assert_eq!(read(&text), Value::List(list));
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ a-c:#,\\-\\[\\]{}&*!|>'\"%@`\\\\\n\t?~.0-9=<]{0,12}",
        "[a-z\n ]{0,12}",
        "\\PC{0,8}",
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = any_text().prop_map(|text| Value::text(&text));
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::vec(inner, 1..4).prop_map(|values| {
                let keys = ["match", "none", "x_1", "any"].map(Cow::Borrowed);
                Value::Mapping(keys.into_iter().zip(values).collect())
            }),
        ]
    })
}

proptest! {
    /// Whatever is written reads back as it was.
    #[test]
    fn what_is_written_reads_back(values in prop::collection::vec(any_value(), 1..4)) {
        prop_assert_eq!(read(&items(&values, 0)), Value::List(values));
    }
}

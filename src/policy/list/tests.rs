use insta::assert_snapshot;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::yaml::render;

const ANA: &str = "a1a1a1a1-0001-4000-8000-000000000001";

/// Names the rows of a list with their lines, and shows every problem and warning.
fn shown(bytes: impl AsRef<[u8]>) -> String {
    let mut lists = Lists::default();
    lists.add("list.csv".into(), Ok(bytes.as_ref().to_vec()));
    let texts: Vec<_> = lists.texts().cloned().collect();
    let Read { lists, mut errors, warnings } = lists.read();
    errors.extend(warnings);
    let mut lines = Vec::new();
    if let Some(State::Read(list)) = lists.get("list.csv") {
        let mut rows: Vec<_> = list.rows().iter().collect();
        rows.sort_by_key(|row| row.line);
        lines.extend(rows.iter().map(|row| format!("{} {}", row.line, row.who)));
    }
    lines.push(render(&errors, &texts));
    lines.join("\n").trim_end().to_owned()
}

/// The messages of all problems and warnings.
fn told(bytes: impl AsRef<[u8]>) -> Vec<String> {
    let mut lists = Lists::default();
    lists.add("list.csv".into(), Ok(bytes.as_ref().to_vec()));
    let Read { lists: _, mut errors, warnings } = lists.read();
    errors.extend(warnings);
    errors.iter().map(|problem| format!("{}: {}", problem.place, problem.message)).collect()
}

#[test]
fn a_list_names_users_by_object_id_or_principal_name() {
    let text = format!("ObjectId\n{}\n", ANA.to_uppercase());
    assert_snapshot!(shown(text), @"2 a1a1a1a1-0001-4000-8000-000000000001");
    assert_snapshot!(shown("UserPrincipalName\nAna@Contoso.com"), @"2 ana@contoso.com");
}

#[test]
fn an_object_id_wins_and_a_principal_name_fills_in_where_there_is_none() {
    let text = format!("UserPrincipalName,ObjectId\nana@contoso.com,{ANA}\nben@contoso.com,\n");
    assert_snapshot!(shown(text), @r"
    2 a1a1a1a1-0001-4000-8000-000000000001
    3 ben@contoso.com
    ");
}

#[test]
fn a_header_may_have_other_columns_any_case_blanks_and_quotes() {
    assert_snapshot!(shown("Name, \"USERPRINCIPALNAME\" ,\"x\"\nAna, \"ana@contoso.com\" ,\n"), @"2 ana@contoso.com");
}

#[test]
fn columns_are_parted_by_commas_or_semicolons_as_the_header_shows() {
    assert_snapshot!(shown("Name;UserPrincipalName\n\"Berg; Ana\";ana@contoso.com\nBerg, Ben;ben@contoso.com\n"), @r"
    2 ana@contoso.com
    3 ben@contoso.com
    ");
    assert_snapshot!(shown("\"a;b\",UserPrincipalName\n;,ana@contoso.com\n"), @"2 ana@contoso.com");
}

#[test]
fn a_byte_order_mark_line_ends_of_any_kind_and_blank_lines_do_not_matter() {
    let rows = ["UserPrincipalName", "", "ana@contoso.com", "   ", "", "ben@contoso.com", ""];
    let expected = "3 ana@contoso.com\n6 ben@contoso.com";
    for line_end in ["\n", "\r\n", "\r"] {
        let text = rows.join(line_end);
        assert_eq!(shown(&text), expected, "{line_end:?}");
        assert_eq!(shown(format!("\u{feff}{text}")), expected, "{line_end:?}");
    }
}

#[test]
fn a_user_who_is_listed_twice_is_a_warning_with_both_lines() {
    assert_snapshot!(shown("UserPrincipalName\nana@contoso.com\nben@contoso.com\n\nANA@contoso.com\n"), @r"
    2 ana@contoso.com
    3 ben@contoso.com
    warning: `ana@contoso.com` is listed twice
     --> list.csv:5:1
      |
    5 | ANA@contoso.com
      | ^
    note: first listed here
     --> list.csv:2:1
      |
    2 | ana@contoso.com
      | ^
    ");
}

#[test]
fn of_many_problems_or_warnings_the_first_are_told_and_the_others_counted() {
    let twice = format!("UserPrincipalName\n{}", "ana@contoso.com\n".repeat(100));
    let warnings = told(twice);
    assert_eq!(warnings.len(), 21);
    assert_eq!(warnings[20], "list.csv:22:1: and 79 more warnings in this list");
    let wrong = format!("UserPrincipalName\n{}", "ana\n".repeat(100));
    let problems = told(wrong);
    assert_eq!(problems.len(), 21);
    assert_eq!(problems[20], "list.csv:21:1: and 80 more problems in this list");
}

#[test]
fn a_list_of_nobody_is_a_warning() {
    assert_snapshot!(shown("UserPrincipalName\n"), @r"
    warning: the list names nobody
     --> list.csv:1:1
      |
    1 | UserPrincipalName
      | ^
    hint: a policy that names it selects nobody by it
    ");
}

#[test]
fn what_is_no_text_in_utf_8_is_told_as_what_it_is() {
    let utf_16: Vec<u8> = "\u{feff}ObjectId\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(told(&utf_16), ["list.csv:1:1: the list is UTF-16"]);
    assert_eq!(told(&utf_16[2..]), ["list.csv:1:1: the list holds a NUL byte"]);
    assert_eq!(told(b"ObjectId\nx\0"), ["list.csv:2:1: the list holds a NUL byte"]);
    assert_eq!(told(b"ObjectId,Ort\nx,K\xf6ln\n"), ["list.csv:2:4: the file is not UTF-8"]);
    assert_eq!(told(b""), ["list.csv:1:1: the list is empty: it has no header"]);
}

#[test]
fn the_place_of_a_problem_is_the_line_that_an_editor_shows() {
    let mixed = "\r\n\r\n ObjectId;a,b\r\n";
    assert_eq!(told(mixed), ["list.csv:3:1: the header has both `,` and `;`"]);
    let text = "\r\nUserPrincipalName,x\r\n\r\n,\r\nana,\r\n\r\nben,\r\n";
    assert_eq!(
        told(text),
        [
            "list.csv:5:1: `ana` is not a principal name",
            "list.csv:7:1: `ben` is not a principal name"
        ]
    );
    assert_eq!(told("ObjectId\r\n\r\n\0"), ["list.csv:3:1: the list holds a NUL byte"]);
}

#[test]
fn a_quote_that_is_not_closed_swallows_nobody() {
    let text = format!("ObjectId,Name\n{ANA},\"Ana\n{ANA},\"Ben\"\n{ANA},\"Cem\"\n");
    assert_eq!(told(text), ["list.csv:2:1: a field goes over several lines"]);
}

#[test]
fn a_list_of_a_hundred_thousand_rows_is_read_and_one_of_too_many_is_refused() {
    let list = |rows: usize| {
        let rows = (0..rows).map(|row| format!("user{row}@contoso.com\n"));
        format!("UserPrincipalName\n{}", rows.collect::<String>())
    };
    assert_eq!(shown(list(100_000)).lines().count(), 100_000);
    assert_eq!(told(list(1_000_001)), ["list.csv:1000002:1: the list has more than 1000000 rows"]);
}

#[test]
fn a_hundred_thousand_rows_for_the_same_users_are_counted() {
    let rows: String = (0..100_000).map(|row| format!("user{}@contoso.com\n", row / 2)).collect();
    let warnings = told(format!("UserPrincipalName\n{rows}"));
    assert_eq!(warnings.len(), 21);
    assert_eq!(warnings[0], "list.csv:3:1: `user0@contoso.com` is listed twice");
    assert_eq!(warnings[20], "list.csv:41:1: and 49980 more warnings in this list");
}

#[test]
fn the_path_of_a_list_is_relative_to_the_file_that_names_it() {
    let found = |file: &str, written: &str| path(file, written).map(|path| path.to_string());
    assert_eq!(found("a.yaml", "b.csv").as_deref(), Ok("b.csv"));
    assert_eq!(found("teams/a.yaml", "b.csv").as_deref(), Ok("teams/b.csv"));
    assert_eq!(found("teams/a.yaml", "../b.csv").as_deref(), Ok("b.csv"));
    assert_eq!(found("a.yaml", "./x//../b..csv").as_deref(), Ok("b..csv"));
    for (file, written) in
        [("a.yaml", "../b.csv"), ("x/a.yaml", "../../x/b.csv"), ("a.yaml", "x/../../b.csv")]
    {
        assert_eq!(found(file, written), Err("leaves the directory of the policies"), "{written}");
    }
    for written in ["/b.csv", "c:/b.csv", "x\\b.csv", "x/", ".", "..", "", "b\0.csv"] {
        assert!(found("x/a.yaml", written).is_err(), "{written}");
    }
}

#[test]
fn the_lists_that_files_name_are_found_wherever_a_match_names_them() {
    let file = |name: &str, text: &str| SourceFile { name: name.into(), text: text.into() };
    let text = "policies:
  - {name: a, description: csv, match: {csv: a.csv}, licenses: [X]}
  - name: b
    match: {any: [{none: [{csv: ../b.csv}]}, {all: [{csv: c.csv, group: csv}]}, {csv: /d.csv}]}
";
    let named = lists_named(&[file("x/p.yaml", text), file("q.yaml", "policies: [csv")]);
    assert_eq!(
        named.iter().map(|name| &**name).collect::<Vec<_>>(),
        ["b.csv", "x/a.csv", "x/c.csv"]
    );
}

/// Writes a cell, in quotes where there have to be some or somebody likes them.
fn cell(text: &str, quoted: bool) -> String {
    let needed = text.contains([',', ';', '"']) || text.trim() != text;
    if quoted || needed { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

proptest! {
    /// Whoever is written into a list is read out of it, whatever stands beside them.
    #[test]
    fn what_is_written_is_read(
        rows in vec(("[a-zß]{1,6}", prop::option::of(any::<u128>()), "[a-z,;\" ]{0,6}", any::<bool>()), 1..8),
        semicolon in any::<bool>(),
        crlf in any::<bool>(),
        mark in any::<bool>(),
    ) {
        let (delimiter, end) = (if semicolon { ";" } else { "," }, if crlf { "\r\n" } else { "\n" });
        let mut text = if mark { "\u{feff}" } else { "" }.to_owned();
        text += &["Note", "objectId", "UserPrincipalName"].join(delimiter);
        text += end;
        let mut expected = Vec::new();
        for ((name, id, note, quoted), line) in rows.iter().zip(2..) {
            let id = id.map(|id| UserId::from_uuid(uuid::Uuid::from_u128(id)));
            let name = format!("{name}@contoso.com");
            let written = id.map(|id| id.to_string()).unwrap_or_default();
            let cells = [cell(note, *quoted), cell(&written, *quoted), cell(&name, *quoted)];
            text += &cells.join(delimiter);
            text += end;
            let who = id.map_or_else(|| Listed::Name(name.to_lowercase().into()), Listed::Id);
            expected.push(Row { who, line });
        }
        let mut lists = Lists::default();
        lists.add("list.csv".into(), Ok(text.into_bytes()));
        let read = lists.read();
        prop_assert!(read.errors.is_empty(), "{:?}", read.errors);
        let Some(State::Read(list)) = read.lists.get("list.csv") else { panic!("it is read") };
        prop_assert_eq!(&**list, &List::new("list.csv".into(), expected));
    }

    /// Whatever the bytes, a list is read or refused, and what is wrong can be shown.
    #[test]
    fn any_bytes_are_a_list_or_are_refused(
        start in prop::sample::select(vec!["", "ObjectId,x\n", "UserPrincipalName;x\r"]),
        bytes in vec(prop_oneof![any::<u8>(), prop::sample::select(b",;\"\n\r@ab".to_vec())], 0..40),
    ) {
        shown([start.as_bytes(), &bytes].concat());
    }
}

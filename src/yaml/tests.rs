use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

fn file(text: &str) -> SourceFile {
    SourceFile { name: "policies/a.yaml".into(), text: text.into() }
}

fn tree(text: &str) -> Node {
    let Parsed { tree, problems } = examine(&file(text));
    assert!(problems.is_empty(), "{}", render(&problems, &[file(text)]));
    tree.unwrap()
}

fn problems(text: &str) -> String {
    let file = file(text);
    render(&examine(&file).problems, &[file])
}

/// Writes a tree on one line each, as `line:column+length what`.
fn outline(node: &Node) -> String {
    let Spot { line, column, length } = node.spot;
    let head = format!("{line}:{column}+{length}");
    match &node.kind {
        Kind::Scalar { text, plain: true } => format!("{head} {text}"),
        Kind::Scalar { text, plain: false } => format!("{head} {text:?}"),
        Kind::Sequence(items) => {
            let items: Vec<_> = items.iter().map(outline).collect();
            format!("{head} [{}]", items.join("; "))
        }
        Kind::Mapping(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|entry| format!("{}: {}", entry.key, outline(&entry.value)))
                .collect();
            format!("{head} {{{}}}", entries.join("; "))
        }
    }
}

#[test]
fn every_node_keeps_its_place() {
    let text = "policies:\n  - name: ana   # who\n    match: {group: X, ou: \"a b\"}\n    none:\n";
    assert_snapshot!(
        outline(&tree(text)),
        @r#"1:1+8 {policies: 2:3+0 [2:5+4 {name: 2:11+3 ana; match: 3:12+21 {group: 3:20+1 X; ou: 3:27+5 "a b"}; none: 4:9+0 }]}"#
    );
}

#[test]
fn scalars_stay_text() {
    let node = tree("[NO, yes, 012, 1_000, 1.5, ~, '7']");
    assert_snapshot!(
        outline(&node),
        @r#"1:1+34 [1:2+2 NO; 1:6+3 yes; 1:11+3 012; 1:16+5 1_000; 1:23+3 1.5; 1:28+1 ~; 1:31+3 "7"]"#
    );
}

#[test]
fn a_byte_order_mark_and_carriage_returns_move_nothing() {
    let text = "\u{feff}a: 1\r\nb: {c: 1, c: 2}\r\n";
    assert_snapshot!(problems(text), @r"
    error: duplicate key `c`; it is already on line 2
     --> policies/a.yaml:2:11
      |
    2 | b: {c: 1, c: 2}
      |           ^
    note: first written here
     --> policies/a.yaml:2:5
      |
    2 | b: {c: 1, c: 2}
      |     ^
    ");
}

#[test]
fn what_makes_a_file_mean_more_than_it_shows_is_refused() {
    assert_snapshot!(problems("a: &x [1]\nb: *x\nc: !!str 1\n<<: *x\n? [d]\n: 1\n"), @r"
    error: anchors are not supported
     --> policies/a.yaml:1:4
      |
    1 | a: &x [1]
      |    ^^^^
    hint: write the value out; to begin a text with `&`, put it in quotation marks

    error: aliases are not supported
     --> policies/a.yaml:2:4
      |
    2 | b: *x
      |    ^^
    hint: write the value out; to begin a text with `*`, put it in quotation marks

    error: tags are not supported
     --> policies/a.yaml:3:4
      |
    3 | c: !!str 1
      |    ^^^^^^^
    hint: leave it out; to begin a text with `!`, put it in quotation marks

    error: merge keys are not supported
     --> policies/a.yaml:4:1
      |
    4 | <<: *x
      | ^^
    hint: write the keys out

    error: aliases are not supported
     --> policies/a.yaml:4:5
      |
    4 | <<: *x
      |     ^^
    hint: write the value out; to begin a text with `*`, put it in quotation marks

    error: a key must be a text
     --> policies/a.yaml:5:3
      |
    5 | ? [d]
      |   ^^^
    hint: a text that begins with `{` or `[` needs quotation marks
    ");
}

#[test]
fn a_text_that_begins_with_a_star_needs_quotation_marks() {
    assert_snapshot!(problems("domain: *contoso\n"), @r"
    error: aliases are not supported
     --> policies/a.yaml:1:9
      |
    1 | domain: *contoso
      |         ^
    hint: write the value out; to begin a text with `*`, put it in quotation marks
    ");
}

#[test]
fn faults_of_syntax_have_their_place() {
    let shown = [
        "a:\n\tb: 1\n",
        "a:\n  b: 1\n  \tc: 2\n",
        "a: \"x\n",
        "a: b: c\n",
        "a: [1\nb: 2\n",
        "a: {b: 1\n\n",
    ]
    .map(problems)
    .join("\n");
    assert_snapshot!(shown, @r#"
    error: this is not YAML: tabs disallowed within this context (block indentation)
     --> policies/a.yaml:2:1
      |
    2 |     b: 1
      | ^^^^
    hint: indent with blanks: YAML takes no tabs there

    error: this is not YAML: while scanning a plain scalar, found a tab
     --> policies/a.yaml:3:3
      |
    3 |       c: 2
      |   ^^^^
    hint: indent with blanks: YAML takes no tabs there

    error: this is not YAML: while scanning a quoted scalar, found unexpected end of stream
     --> policies/a.yaml:1:4
      |
    1 | a: "x
      |    ^

    error: this is not YAML: mapping values are not allowed in this context
     --> policies/a.yaml:1:5
      |
    1 | a: b: c
      |     ^

    error: this is not YAML: illegal placement of ':' indicator
     --> policies/a.yaml:2:2
      |
    2 | b: 2
      |  ^

    error: this is not YAML: while parsing a flow mapping, did not find expected ',' or '}'
     --> policies/a.yaml:1:9
      |
    1 | a: {b: 1
      |         ^
    "#);
}

#[test]
fn a_file_holds_one_document_and_something() {
    assert_snapshot!(problems("a: 1\n---\nb: 2\n"), @r"
    error: the file holds more than one document
     --> policies/a.yaml:2:1
      |
    2 | ---
      | ^^^
    hint: write one file for each
    ");
    assert_snapshot!(problems("# nothing yet\n"), @r"
    error: the file holds nothing
     --> policies/a.yaml:1:1
      |
    1 | # nothing yet
      | ^
    hint: delete it, or write what it is for
    ");
    assert_snapshot!(problems("a: b\0c\n"), @r"
    error: the file holds a null character, and so is not text
     --> policies/a.yaml:1:5
      |
    1 | a: b�c
      |     ^
    ");
}

#[test]
fn nesting_and_bombs_are_refused_at_once() {
    let shown = [
        "[".repeat(100_000),
        "- ".repeat(100_000),
        "{a: ".repeat(100_000),
        (0..200).map(|depth| format!("{:depth$}a:\n", "")).collect::<Vec<_>>().concat(),
    ]
    .map(|text| examine(&file(&text)).problems[0].message.clone());
    assert_eq!(shown, ["the file is nested more than 64 levels deep"; 4]);
    tree(&format!("{}{}", "[".repeat(64), "]".repeat(64)));

    let level = |level: u32| format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1);
    let levels: Vec<_> = (1..30).map(level).collect();
    let bomb = format!("a0: &a0 [x, x]\n{}", levels.concat());
    assert!(examine(&file(&bomb)).problems.len() > 30);

    let wide = format!("[{}]", "a,".repeat(1_000_001));
    assert_eq!(
        examine(&file(&wide)).problems[0].message,
        "the file holds more than 1000000 values"
    );
    let large = " ".repeat(FILE_BYTES_MAX + 1);
    assert_eq!(examine(&file(&large)).problems[0].message, "the file is larger than 8 MiB");
}

#[test]
fn what_does_not_end_is_refused_before_much_of_it_is_kept() {
    let shown = [
        format!("a:\n  - [{}]\n", "a,".repeat(300_000)),
        format!("a:\n  - {{{}}}\n", "k: v, ".repeat(150_000)),
        format!("a:\n  - \"{}\"\n", "x".repeat(600_000)),
        format!("a:\n  - [{}", ",".repeat(600_000)),
    ]
    .map(|text| {
        let problem = examine(&file(&text)).problems.remove(0);
        format!("{}: {}", problem.place, problem.message)
    });
    let expected = "policies/a.yaml:2:3: what begins here goes on for more than 524288 characters \
                    without an end";
    assert_eq!(shown, [expected; 4]);
}

#[test]
fn a_document_in_the_manner_of_json_may_be_long_and_keeps_its_places() {
    let values = "\"user@contoso.com\", ".repeat(30_000);
    tree(&format!("{{\"a\": [{values}]}}"));
    tree(&format!("# made by a program\n\n{{\n\"a\": [\n{values}]\n}}\n"));
    for (before, line) in [("", 1), ("\u{feff}", 1), ("# x\r\n", 2), (" # x\r\n\r\n", 3)] {
        let Kind::Mapping(entries) = tree(&format!("{before}{{a: b}}")).kind else { panic!() };
        assert_eq!(entries[0].key_spot, Spot { line, column: 2, length: 1 }, "{before:?}");
    }
    assert_snapshot!(problems("{a: 1, a: 2}"), @r"
    error: duplicate key `a`; it is already on line 1
     --> policies/a.yaml:1:8
      |
    1 | {a: 1, a: 2}
      |        ^
    note: first written here
     --> policies/a.yaml:1:2
      |
    1 | {a: 1, a: 2}
      |  ^
    ");
}

#[test]
fn a_file_of_blank_lines_alone_holds_nothing() {
    let file = file(&"\n".repeat(600_000));
    let problems = examine(&file).problems;
    assert_eq!(problems[0].message, "the file holds nothing");
    assert!(render(&problems, &[file]).len() < 200);
}

#[test]
fn of_the_problems_of_all_files_the_first_are_told_and_the_others_counted() {
    let problem = |line| {
        let place = Place { file: "a.yaml".into(), line, column: 1 };
        Diagnostic::error(place, 1, "x")
    };
    let mut told = Told::default();
    told.extend((1..=100_000).rev().map(problem));
    let more = Diagnostic::more(&problem(100_001), 50, "this file");
    told.note(more);
    let told = told.finish();
    assert_eq!(told.len(), TOLD_MAX + 1);
    assert!((1..).zip(&told[..TOLD_MAX]).all(|(line, one)| one.place.line == line));
    assert_eq!(told[TOLD_MAX].message, "and 99850 more problems in all files together");
    assert_eq!(told.iter().map(|one| one.stands_for).sum::<u64>(), 100_050);
}

#[test]
fn bytes_that_are_not_utf_8_are_refused_with_their_place() {
    let error = SourceFile::from_bytes("a.yaml".into(), b"a: 1\nb: \xc3\xa4\xff".to_vec());
    let error = error.unwrap_err();
    assert_eq!(
        (error.place.to_string(), &*error.message),
        ("a.yaml:2:5".to_owned(), "the file is not UTF-8")
    );
}

#[test]
fn only_the_first_hundred_problems_are_told() {
    let lines: Vec<_> = (0..300).map(|line| format!("- &a{line} x\n")).collect();
    let problems = examine(&file(&lines.concat())).problems;
    assert_eq!(problems.len(), 101);
    assert_eq!(problems[100].message, "and 200 more problems in this file");
}

fn shown(line: &str, column: u32, length: u32) -> String {
    let place = Place { file: "a.yaml".into(), line: 1, column };
    let diagnostic = Diagnostic::error(place, length, "x");
    render(&[diagnostic], &[SourceFile { name: "a.yaml".into(), text: line.into() }])
}

#[test]
fn carets_stand_below_tabs_and_wide_characters() {
    assert_snapshot!(shown("\ta: 日本語 x", 9, 1), @r"
    error: x
     --> a.yaml:1:9
      |
    1 |     a: 日本語 x
      |               ^
    ");
    assert_snapshot!(shown("a: 日本語 x", 4, 3), @r"
    error: x
     --> a.yaml:1:4
      |
    1 | a: 日本語 x
      |    ^^^^^^
    ");
}

#[test]
fn a_very_long_line_is_shown_as_a_window() {
    let line = format!("{}TYPO{}", "ab ".repeat(1_000_000), "cd ".repeat(1_000_000));
    assert_snapshot!(shown(&line, 3_000_001, 4), @r"
    error: x
     --> a.yaml:1:3000001
      |
    1 | ... ab ab ab ab ab ab ab ab ab ab ab ab ab TYPOcd cd cd cd cd cd cd cd cd cd cd cd cd cd cd cd cd cd cd cd cd cd cd cd cd c...
      |                                            ^^^^
    ");
}

#[test]
fn control_characters_never_reach_the_terminal() {
    assert_snapshot!(shown("a: \u{1b}[31mred\u{202e}", 4, 100), @r"
    error: x
     --> a.yaml:1:4
      |
    1 | a: �[31mred�
      |    ^^^^^^^^^
    ");
    let place = Place { file: "a\u{7}.yaml".into(), line: 1, column: 1 };
    let diagnostic = Diagnostic::error(place, 1, "unknown `\u{1b}[2J`\n");
    assert_snapshot!(render(&[diagnostic], &[]), @r"
    error: unknown `\u{1b}[2J`\n
     --> a\u{7}.yaml:1:1
    ");
}

#[test]
fn a_concealed_line_ends_in_stars() {
    let place = Place { file: "a.yaml".into(), line: 1, column: 16 };
    let mut diagnostic = Diagnostic::error(place, 6, "x");
    diagnostic.conceal_from = Some(16);
    let source = SourceFile { name: "a.yaml".into(), text: "client_secret: hunter2 # old".into() };
    assert_snapshot!(render(&[diagnostic], &[source]), @r"
    error: x
     --> a.yaml:1:16
      |
    1 | client_secret: ***
      |                ^^^
    ");
}

#[test]
fn diagnostics_are_json_too() {
    let problems = examine(&file("a: 1\na: 2\n")).problems;
    assert_snapshot!(serde_json::to_string(&to_json(&problems)).unwrap(), @r#"[{"severity":"error","message":"duplicate key `a`; it is already on line 1","file":"policies/a.yaml","line":2,"column":1,"length":1,"hint":null}]"#);
}

#[test]
fn the_nearest_known_word_is_found_where_one_is_near() {
    let known = ["licenses", "usage_location", "grace"];
    assert_eq!(did_you_mean("licences", known), Some("licenses"));
    assert_eq!(did_you_mean("usageLocation", known), Some("usage_location"));
    assert_eq!(did_you_mean("Usage-Location", known), Some("usage_location"));
    assert_eq!(did_you_mean("colour", known), None);
}

#[test]
fn values_are_what_they_say_and_nothing_else() {
    let text = "[yes, 'true', true, 5, '5', 1_000, -3, 99999999999999999999, ~, ' ']";
    let file = file(text);
    let node = tree(text);
    let mut reader = Reader::new(file.name.clone());
    let items = reader.list(&node).unwrap();
    let booleans: Vec<_> = items[..3].iter().map(|item| reader.boolean(item)).collect();
    assert_eq!(booleans, [None, None, Some(true)]);
    let integers: Vec<_> = items[3..8].iter().map(|item| reader.integer(item, -3..=9)).collect();
    assert_eq!(integers, [Some(5), None, None, Some(-3), None]);
    assert_eq!((reader.text(&items[8]), reader.text(&items[9])), (None, None));
    let messages: Vec<_> = reader
        .finish()
        .0
        .into_iter()
        .map(|Diagnostic { message, hint, .. }| format!("{message} ({})", hint.unwrap_or_default()))
        .collect();
    assert_snapshot!(messages.join("\n"), @r"
    expected `true` or `false`, found `yes` (write `true`)
    expected `true` or `false`, found `true` (write `true` or `false`, without quotation marks)
    expected a whole number, found a text (write the number without quotation marks)
    expected a whole number, found `1_000` ()
    `99999999999999999999` is not between -3 and 9 ()
    expected a text, found nothing (if the text `~` is meant, put it in quotation marks)
    expected a text, found an empty one ()
    ");
}

proptest! {
    /// No text makes the parser or the renderer panic, and every place is in the file.
    #[test]
    fn any_text_is_read_or_refused(
        text in prop_oneof![any::<String>(), r#"([ \t\n:,&*!|>'"%@`#?-]|[\[\]{}]|[a-c]|\r\n|: |- ){0,40}"#]
    ) {
        let file = file(&text);
        let Parsed { tree, problems } = examine(&file);
        prop_assert!(tree.is_some() || !problems.is_empty());
        let lines = render::lines(&text).count();
        prop_assert!(problems.iter().all(|one| one.place.line as usize <= lines));
        prop_assert_eq!(render(&problems, &[file]).is_empty(), problems.is_empty());
    }
}

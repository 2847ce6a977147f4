use super::*;
use crate::error::{Fault, LineColumn, line_column};
use proptest::prelude::*;

/// The single value of `x: text`, without errors.
fn value(text: &str) -> ValueKind {
    let (file, errors) = parse(format!("x: {text}").as_bytes());
    assert_eq!(errors, [], "{text}");
    match file.without_spans().items.as_slice() {
        [Item::Field(field)] => field.value.kind.clone(),
        items => panic!("{text}: {items:?}"),
    }
}

fn bare(kind: ValueKind) -> Value {
    Value { kind, span: Span::default() }
}

fn ident(name: &str) -> Value {
    bare(ValueKind::Ident(name.to_owned()))
}

fn text(text: &str) -> Value {
    bare(ValueKind::String(text.to_owned()))
}

fn faults(text: &[u8]) -> Vec<Fault> {
    parse(text).1.into_iter().map(|error| error.fault).collect()
}

#[test]
fn identifiers_take_the_longest_match() {
    for name in ["os", "ocaml:native", "a+b:installed", "_:name", "_+a:installed", "123a", "with-test", "-a"] {
        assert_eq!(value(name), ValueKind::Ident(name.to_owned()));
    }
    // A package with `+` at its end cannot be named outside a string.
    assert_ne!(faults(b"x: conf-g++"), []);
    assert_eq!(value("trueish"), ident("trueish").kind);
    assert_eq!(value("true"), ValueKind::Bool(true));
    assert_eq!(value("-1_000"), ValueKind::Int(-1000));
}

#[test]
fn and_binds_tighter_than_or_and_braces_tighter_than_both() {
    let braced = bare(ValueKind::Option(Box::new(ident("c")), vec![ident("d")]));
    let and = bare(ValueKind::And(vec![ident("b"), braced]));
    assert_eq!(value("a | b & c {d}"), ValueKind::Or(vec![ident("a"), and.clone()]));
    let group = bare(ValueKind::Group(vec![bare(ValueKind::Or(vec![ident("a"), ident("b")]))]));
    assert_eq!(value("(a | b) & c"), ValueKind::And(vec![group, ident("c")]));
}

#[test]
fn prefixes_take_comparisons_and_braces() {
    let equal = bare(ValueKind::Relation(Box::new(ident("a")), RelOp::Eq, Box::new(text("b"))));
    assert_eq!(value("!a = \"b\""), ValueKind::Not(Box::new(equal)));
    let braced = bare(ValueKind::Option(Box::new(ident("a")), vec![]));
    assert_eq!(value("?a {}"), ValueKind::Defined(Box::new(braced)));
}

#[test]
fn a_negated_equality_is_no_inequality() {
    let written = value("! = \"1\"");
    assert!(matches!(written, ValueKind::Not(_)));
    assert_eq!(value(&bare(written.clone()).to_string()), written);
}

#[test]
fn every_operator() {
    for operator in [RelOp::Eq, RelOp::Ne, RelOp::Ge, RelOp::Gt, RelOp::Le, RelOp::Lt] {
        let (left, right) = (Box::new(ident("a")), Box::new(text("1")));
        assert_eq!(value(&format!("a{}\"1\"", operator.symbol())), ValueKind::Relation(left, operator, right));
        let prefix = ValueKind::PrefixRelation(operator, Box::new(text("1")));
        assert_eq!(value(&format!("{}\"1\"", operator.symbol())), prefix);
        assert_eq!(operator.negated().negated(), operator);
    }
    for operator in [EnvOp::Prepend, EnvOp::Append, EnvOp::Replace, EnvOp::PrependColon, EnvOp::AppendColon] {
        let (left, right) = (Box::new(ident("A")), Box::new(text("1")));
        assert_eq!(value(&format!("A{}\"1\"", operator.symbol())), ValueKind::Update(left, operator, right));
    }
}

#[test]
fn strings_and_their_escapes() {
    let table = [
        (r#""a\n\r\t\b\"\\\'\ b""#, "a\n\r\t\u{8}\"\\' b"),
        (r#""\x41\065\xc3\xa9""#, "AAé"),
        ("\"a\\\n   b\"", "ab"),
        ("\"a\\\r\n \tb\"", "ab"),
        ("\"a\nb\"", "a\nb"),
        ("\"a\r\nb\"", "a\nb"),
        ("\"\"\"a \"quoted\" \"\" b\\\"\"\"\"", "a \"quoted\" \"\" b\""),
        ("\"\"\"\n  x\"\"\"", "\n  x"),
        ("\"\"", ""),
        ("\"# (* no comment *)\"", "# (* no comment *)"),
    ];
    for (written, expected) in table {
        assert_eq!(value(written), ValueKind::String(expected.to_owned()), "{written}");
    }
}

#[test]
fn comments_nest_or_end_with_the_line() {
    assert_eq!(value("# [ \" \n (* a (* b *) \" c *) z # end"), ident("z").kind);
}

#[test]
fn sections_with_and_without_names() {
    let (file, errors) = parse(b"a: b\nurl { src: \"s\" }\nextra-source \"f\" {\nsrc: \"t\"\n}\n");
    assert_eq!(errors, []);
    let kinds: Vec<_> = file
        .items
        .iter()
        .map(|item| match item {
            Item::Field(field) => (field.name.as_str(), None, 0),
            Item::Section(section) => (section.kind.as_str(), section.name.as_deref(), section.items.len()),
        })
        .collect();
    assert_eq!(kinds, [("a", None, 0), ("url", None, 1), ("extra-source", Some("f"), 1)]);
}

#[test]
fn all_errors_are_found_and_the_rest_is_read() {
    let text = b"a: [\nb: \"x\"\nc: = =\nd: \"\\q\"\ne }\nf: \"ok\"\n";
    let (file, errors) = parse(text);
    let names: Vec<_> =
        file.items.iter().map(|item| if let Item::Field(field) = item { &*field.name } else { "" }).collect();
    assert_eq!(names, ["d", "f"]);
    let lines: Vec<_> = errors.iter().map(|error| line_column(text, error.span.start).line).collect();
    assert_eq!(lines, [2, 3, 4, 5], "{errors:?}");
    assert_eq!(errors[2].fault, Fault::Escape);
}

#[test]
fn faults_by_kind() {
    let deep = |n: usize| format!("x: {}a{}", "(".repeat(n), ")".repeat(n));
    let table: &[(&[u8], &[Fault])] = &[
        (b"", &[]),
        (b"\xef\xbb\xbfx: a", &[]),
        (b"x: \"a", &[Fault::UnclosedString]),
        (b"x: a (* (* *)", &[Fault::UnclosedComment]),
        (b"x: \"\\256\"", &[Fault::Escape]),
        (b"x: \"\xff\"", &[Fault::NotUtf8]),
        (b"x: \"\\xff\"", &[Fault::NotUtf8]),
        (b"# \xff\nx: a", &[]),
        (b"x: 99999999999999999999", &[Fault::Number]),
        (b"x: a @ ", &[Fault::Character("@".into())]),
        (
            b"x: ;;",
            &[
                Fault::Character(";".into()),
                Fault::Character(";".into()),
                Fault::Expected { expected: "a value", found: "the end of the file" },
            ],
        ),
        (b"}", &[Fault::Expected { expected: "a field", found: "`}`" }]),
        (b"url { src: a", &[Fault::Expected { expected: "`}`", found: "the end of the file" }]),
        (b"flags:compiler\nx: a", &[Fault::Expected { expected: "`:` or `{`", found: "a name" }]),
    ];
    for (text, expected) in table {
        assert_eq!(faults(text), *expected, "{}", String::from_utf8_lossy(text));
    }
    assert_eq!(faults(deep(MAX_DEPTH / 2).as_bytes()), []);
    assert!(faults(deep(MAX_DEPTH * 1000).as_bytes()).contains(&Fault::Depth));
}

#[test]
fn nothing_overflows_the_stack() {
    for part in ["(", "[", "!", "?", "a {", "a {b} ", "s {", "a {!(["] {
        let (_, errors) = parse(format!("x: {}", part.repeat(20_000)).as_bytes());
        assert!(!errors.is_empty() || part == "a {b} ", "{part}");
    }
    assert!(faults(format!("x: a {}", "{b}".repeat(20_000)).as_bytes()).contains(&Fault::Depth));
    assert_eq!(faults(format!("x: a {}", "& b | c ".repeat(20_000)).as_bytes()), []);
}

#[test]
fn places_are_lines_and_columns_in_characters() {
    let text = "a: \"é\" @\n".as_bytes();
    let (_, errors) = parse(text);
    assert_eq!(line_column(text, errors[0].span.start), LineColumn { line: 1, column: 8 });
    assert_eq!(line_column(text, 1000), LineColumn { line: 2, column: 1 });
}

/// Whether the text of `value` starts with a comparison, so that it would join what is before it.
fn opens_with_relation(value: &Value) -> bool {
    match &value.kind {
        ValueKind::PrefixRelation(..) => true,
        ValueKind::Option(value, _) => opens_with_relation(value),
        ValueKind::And(values) | ValueKind::Or(values) => values.first().is_some_and(opens_with_relation),
        _ => false,
    }
}

fn grouped_if(group: bool, value: Value) -> Value {
    if group { bare(ValueKind::Group(vec![value])) } else { value }
}

/// `values` as they can stand in a list.
fn listable(values: Vec<Value>) -> Vec<Value> {
    let rest = |(at, value): (usize, Value)| grouped_if(at > 0 && opens_with_relation(&value), value);
    values.into_iter().enumerate().map(rest).collect()
}

fn is_chain(value: &Value) -> bool {
    matches!(value.kind, ValueKind::And(_) | ValueKind::Or(_))
}

fn any_value() -> impl Strategy<Value = Value> {
    let name = "[a-z_]([a-z0-9_-]{0,3}[a-z])(\\+[a-z]{1,2}|\\+_)?(:[a-z-]{0,2}[a-z])?"
        .prop_filter("a word of the language", |name| name != "true" && name != "false");
    let atom = prop_oneof![
        name.prop_map(ValueKind::Ident),
        any::<String>().prop_map(ValueKind::String),
        any::<bool>().prop_map(ValueKind::Bool),
        any::<i64>().prop_map(ValueKind::Int),
    ]
    .prop_map(bare)
    .boxed();
    let relation = prop::sample::select(vec![RelOp::Eq, RelOp::Ne, RelOp::Ge, RelOp::Gt, RelOp::Le, RelOp::Lt]);
    let update = prop::sample::select(vec![EnvOp::Prepend, EnvOp::Append, EnvOp::Replace, EnvOp::PrependColon]);
    let pair = (atom.clone(), atom.clone());
    let leaf = prop_oneof![
        4 => atom.clone(),
        1 => (pair.clone(), relation.clone())
            .prop_map(|((a, b), op)| bare(ValueKind::Relation(Box::new(a), op, Box::new(b)))),
        1 => (pair, update).prop_map(|((a, b), op)| bare(ValueKind::Update(Box::new(a), op, Box::new(b)))),
        1 => (atom, relation).prop_map(|(a, op)| bare(ValueKind::PrefixRelation(op, Box::new(a)))),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4).prop_map(listable);
        let many = prop::collection::vec(inner.clone(), 2..4);
        let single = inner.prop_map(|value| grouped_if(is_chain(&value), value));
        let head = single
            .clone()
            .prop_map(|value| grouped_if(matches!(value.kind, ValueKind::Not(_) | ValueKind::Defined(_)), value));
        prop_oneof![
            list.clone().prop_map(ValueKind::List),
            list.clone().prop_map(ValueKind::Group),
            (head, list).prop_map(|(head, list)| ValueKind::Option(Box::new(head), list)),
            many.clone().prop_map(|all| {
                ValueKind::And(all.into_iter().map(|value| grouped_if(is_chain(&value), value)).collect())
            }),
            many.prop_map(|all| {
                let group = |value: Value| grouped_if(matches!(value.kind, ValueKind::Or(_)), value);
                ValueKind::Or(all.into_iter().map(group).collect())
            }),
            single.clone().prop_map(|value| ValueKind::Not(Box::new(value))),
            single.prop_map(|value| ValueKind::Defined(Box::new(value))),
        ]
        .prop_map(bare)
    })
}

/// A valid file to damage.
const VALID: &str = r#"opam-version: "2.0"
depends: [ "ocaml" {>= "4.08" & < "5.0~" | = version} ("a" | "b" {with-test & os != "win32"}) ] # end
build: [["dune" "build" "-p" name "-j" jobs] {?foo & !dev} ["%{make}%" """x"y"""]]
setenv: [[PATH += "%{bin}%"] [X =: ""]]
url { src: "https://a.invalid/b.tar" checksum: ["md5=00"] } (* c (* d *) *)
extra-source "x\x20\065\
   y" { src: "z" }
"#;

/// What holds of every text whatsoever.
fn check_any(text: &[u8]) {
    let (file, errors) = parse(text);
    for error in &errors {
        assert!(error.span.start <= error.span.end && error.span.end as usize <= text.len());
    }
    let printed = file.to_string();
    let (again, errors) = parse(printed.as_bytes());
    assert_eq!(errors, [], "{printed}");
    assert_eq!(again.without_spans(), file.without_spans());
}

proptest! {
    #[test]
    fn what_is_printed_reads_the_same(values in prop::collection::vec(any_value(), 0..4)) {
        let field = |(at, value)| Item::Field(Field { name: format!("f{at}"), value, span: Span::default() });
        let items: Vec<_> = values.into_iter().enumerate().map(field).collect();
        let section = Section { kind: "s".into(), name: Some("n\"".into()), items: items.clone(), span: Span::default() };
        let file = File { items: items.into_iter().chain([Item::Section(section)]).collect() };
        let (again, errors) = parse(file.to_string().as_bytes());
        prop_assert_eq!(errors, []);
        prop_assert_eq!(again.without_spans(), file);
    }

    #[test]
    fn any_bytes_are_read(text in prop::collection::vec(any::<u8>(), 0..200)) {
        check_any(&text);
    }

    #[test]
    fn any_tokens_are_read(tokens in prop::collection::vec(prop::sample::select(vec![
        "a", "a:", "\n", "\"", "\"\"\"", "\"s\"", "{", "}", "[", "]", "(", ")", "(*", "*)", "#", "&", "|", "!", "?", "=",
        "+=", "=+=", ">=", "\\", "1", "-", "_", ":", "+", "é", "true", " ",
    ]), 0..40)) {
        check_any(tokens.concat().as_bytes());
    }

    #[test]
    fn a_damaged_file_is_read(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..6)) {
        let mut text = VALID.as_bytes().to_vec();
        for (at, byte, kind) in changes {
            let at = at.index(text.len());
            match kind {
                0 => text[at] = byte,
                1 => text.insert(at, byte),
                _ => text.truncate(at.max(1)),
            }
        }
        check_any(&text);
    }
}

#[test]
fn the_valid_file_is_valid() {
    assert_eq!(parse(VALID.as_bytes()).1, []);
    check_any(VALID.as_bytes());
}

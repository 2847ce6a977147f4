use super::*;
use crate::command::Command;
use crate::syntax;
use proptest::prelude::*;

fn scope(variable: &Variable) -> Option<Value> {
    let defined: Value = match variable.to_string().as_str() {
        "yes" | "a:installed" | "b:installed" => true.into(),
        "no" | "c:installed" | "conf-g++:installed" => false.into(),
        "os" => "linux".into(),
        "version" | "_:version" => "1.10".into(),
        "_:name" => "self".into(),
        "ocaml:version" => "5.3.0".into(),
        "ocaml:native" => "true".into(),
        "jobs" => "4".into(),
        "empty" => "".into(),
        "list" => Value::List(vec!["x".into(), "y z".into()]),
        "none" => Value::List(vec![]),
        "one" => Value::List(vec!["true".into()]),
        _ => return None,
    };
    Some(defined)
}

/// The filter `text`, read as `available` is.
fn filter(text: &str) -> Filter {
    let (file, errors) = syntax::parse(format!("x: {text}").as_bytes());
    assert_eq!(errors, [], "{text}");
    let mut errors = Vec::new();
    let syntax::Item::Field(field) = &file.items[0] else { panic!("{text}") };
    let filter = Reader::new("x", &mut errors).filter(&field.value);
    assert_eq!(errors, [], "{text}");
    filter
}

#[test]
fn outcomes() {
    let (t, f, u) = (Outcome::Bool(true), Outcome::Bool(false), Outcome::Undefined);
    let text = |text: &str| Outcome::Text(text.to_owned());
    let table = [
        ("yes", t.clone()),
        ("nil", u.clone()),
        ("nil & false", f.clone()),
        ("nil & no", f.clone()),
        ("nil & yes", u.clone()),
        ("nil | true", t.clone()),
        ("nil | no", u.clone()),
        ("!nil", u.clone()),
        ("?nil", f.clone()),
        ("?no", t.clone()),
        ("!?nil", t.clone()),
        ("?(nil & false)", t.clone()),
        ("nil = \"x\"", u.clone()),
        ("nil != \"x\"", u.clone()),
        ("os = \"linux\"", t.clone()),
        ("os != \"linux\"", f.clone()),
        ("version > \"1.9\"", t.clone()),
        ("version < \"1.9\"", f.clone()),
        ("jobs >= 4", t.clone()),
        ("yes = \"true\"", t.clone()),
        ("yes = true", t.clone()),
        ("\"1.0\" = \"1.00\"", t.clone()),
        ("\"1.0~rc\" < \"1.0\"", t.clone()),
        ("_:version = version", t.clone()),
        ("_:name", text("self")),
        ("list", text("x y z")),
        ("none", text("")),
        ("one", text("true")),
        ("one & yes", t.clone()),
        ("os & yes", u.clone()),
        ("os & false", f.clone()),
        ("!os", u.clone()),
        ("ocaml:native & yes", t.clone()),
        ("\"%{os}%/%{nil}%\"", text("linux/")),
        ("a+b:installed", t.clone()),
        ("a+c:installed", f.clone()),
        ("c+d:installed", f.clone()),
        ("d+c:installed", f.clone()),
        ("a+d:installed", u.clone()),
        ("a:enable", text("enable")),
        ("c:enable", text("disable")),
        ("d:enable", text("disable")),
        ("a+b:enable", text("enable")),
        ("enable", u),
        ("yes | no & no", t),
        ("(yes | no) & no", f),
    ];
    for (written, expected) in table {
        assert_eq!(filter(written).evaluate(&scope), expected, "{written}");
        assert_eq!(filter(written).holds(&scope), expected == Outcome::Bool(true) || written == "one", "{written}");
    }
}

#[test]
fn templates() {
    let table = [
        ("", ""),
        ("plain", "plain"),
        ("100%%", "100%"),
        ("50% off", "50% off"),
        ("%{os}%", "linux"),
        ("-I%{list}%", "-Ix y z"),
        ("%{nil}%", ""),
        ("%{yes?on:off}%%{no?on:off}%%{nil?on:off}%", "onoffoff"),
        ("%{os?on:off}%", "off"),
        ("%{a:installed?:without}%|%{c:installed?:without}%", "|without"),
        ("%{a+b:installed?both:not}%", "both"),
        ("%{a:enable}%-x %{nope:enable}%-y", "enable-x disable-y"),
        ("%{?conf-g++:installed:}%", "false"),
        ("%{bad name:x}%", ""),
        ("%{unclosed %% x\n%{os}%", "%{unclosed %% x\nlinux"),
        ("%%{os}%", "%{os}%"),
        ("%{yes}%%{no}%", "truefalse"),
        ("é%{os}%é", "élinuxé"),
    ];
    for (written, expected) in table {
        assert_eq!(Template::parse(written).expand(&scope), expected, "{written}");
    }
}

#[test]
fn commands() {
    let eval = |text: &str| {
        let (file, errors) = syntax::parse(format!("build: {text}").as_bytes());
        assert_eq!(errors, []);
        let syntax::Item::Field(field) = &file.items[0] else { panic!("{text}") };
        let mut errors = Vec::new();
        let commands = Command::read_all(&mut Reader::new("build", &mut errors), &field.value);
        assert_eq!(errors, [], "{text}");
        let shown = |args: Vec<String>| args.join(",");
        commands.iter().filter_map(|command| command.eval(&scope)).map(shown).collect::<Vec<_>>().join(" ; ")
    };
    let table = [
        (r#"["make" "-j" jobs]"#, "make,-j,4"),
        (r#"[["a"] ["b"] {no} ["c"] {os = "linux"}]"#, "a ; c"),
        (r#"[["a" "x" {no} "y" {yes}]]"#, "a,y"),
        (r#"[["a" nil yes list none "end"]]"#, "a,,true,x,y z,end"),
        (r#"[["a" {no}]]"#, ""),
        (r#"["a" "b" {no}]"#, "a"),
        (r#"["a"] {nil}"#, ""),
        (r#"["a"] {yes} {no}"#, ""),
        (r#"["sh" "-c" "x %{list}% %{nil}%"]"#, "sh,-c,x x y z "),
        (r#""single""#, "single"),
        ("[]", ""),
        (r#"[["a" _:name a+c:installed d:enable]]"#, "a,self,false,disable"),
    ];
    for (written, expected) in table {
        assert_eq!(eval(written), expected, "{written}");
    }
}

#[test]
fn variables_are_told() {
    let names = |text: &str| filter(text).variables().into_iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        names("a & !(b = \"%{c:d}%-%{_:e}%\") | ?f+g:installed"),
        ["a", "b", "c:d", "_:e", "f:installed", "g:installed"]
    );
}

/// A small expression whose meaning is plain arithmetic.
#[derive(Debug, Clone)]
enum Expression {
    Constant(bool),
    /// 0 is false, 1 undefined, 2 true.
    Variable(u8),
    Compare(Option<u8>, RelOp, Option<u8>),
    Not(Box<Self>),
    Defined(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
}

impl Expression {
    fn written(&self) -> String {
        let number = |number: &Option<u8>| number.map_or("nil".to_owned(), |number| format!("\"{number}\""));
        match self {
            Self::Constant(value) => value.to_string(),
            Self::Variable(value) => ["no", "nil", "yes"][usize::from(*value)].to_owned(),
            Self::Compare(left, operator, right) => format!("{} {} {}", number(left), operator.symbol(), number(right)),
            Self::Not(operand) => format!("!({})", operand.written()),
            Self::Defined(operand) => format!("?({})", operand.written()),
            Self::And(left, right) => format!("({}) & ({})", left.written(), right.written()),
            Self::Or(left, right) => format!("({}) | ({})", left.written(), right.written()),
        }
    }

    /// Kleene's logic as minimum, maximum and complement.
    fn meaning(&self) -> u8 {
        match self {
            Self::Constant(value) => 2 * u8::from(*value),
            Self::Variable(value) => *value,
            Self::Compare(Some(a), operator, Some(b)) => {
                2 * u8::from(match operator {
                    RelOp::Eq => a == b,
                    RelOp::Ne => a != b,
                    RelOp::Ge => a >= b,
                    RelOp::Gt => a > b,
                    RelOp::Le => a <= b,
                    RelOp::Lt => a < b,
                })
            }
            Self::Compare(..) => 1,
            Self::Not(operand) => 2 - operand.meaning(),
            Self::Defined(operand) => 2 * u8::from(operand.meaning() != 1),
            Self::And(left, right) => left.meaning().min(right.meaning()),
            Self::Or(left, right) => left.meaning().max(right.meaning()),
        }
    }
}

fn expression() -> impl Strategy<Value = Expression> {
    let relation = prop::sample::select(vec![RelOp::Eq, RelOp::Ne, RelOp::Ge, RelOp::Gt, RelOp::Le, RelOp::Lt]);
    let number = prop::option::weighted(0.8, any::<u8>());
    let leaf = prop_oneof![
        any::<bool>().prop_map(Expression::Constant),
        (0_u8..3).prop_map(Expression::Variable),
        (number.clone(), relation, number).prop_map(|(a, op, b)| Expression::Compare(a, op, b)),
    ];
    leaf.prop_recursive(5, 30, 2, |inner| {
        let pair = (inner.clone(), inner.clone()).prop_map(|(a, b)| (Box::new(a), Box::new(b)));
        prop_oneof![
            inner.clone().prop_map(|a| Expression::Not(Box::new(a))),
            inner.prop_map(|a| Expression::Defined(Box::new(a))),
            pair.clone().prop_map(|(a, b)| Expression::And(a, b)),
            pair.prop_map(|(a, b)| Expression::Or(a, b)),
        ]
    })
}

proptest! {
    #[test]
    fn agrees_with_arithmetic(expression in expression()) {
        let expected = [Outcome::Bool(false), Outcome::Undefined, Outcome::Bool(true)];
        let outcome = filter(&expression.written()).evaluate(&scope);
        prop_assert_eq!(&outcome, &expected[usize::from(expression.meaning())]);
    }

    #[test]
    fn any_template_expands(text in "[%{}?:a+é\n]{0,20}") {
        let shown = Template::parse(&text).to_string();
        prop_assert_eq!(Template::parse(&text).expand(&scope), Template::parse(&shown).expand(&scope));
    }
}

use super::captured::{ui, ui_on};
use super::*;

struct Broken(io::ErrorKind);

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_pipe_is_no_error_but_a_full_disk_is() {
    for (kind, is_told) in [(io::ErrorKind::BrokenPipe, false), (io::ErrorKind::StorageFull, true)] {
        let ui =
            ui_on(Look::DEFAULT, &Surroundings::for_test([]), [Box::new(Broken(kind)), Box::new(Vec::new())], None);
        ui.print("a\n");
        ui.print("b\n");
        assert_eq!(ui.finish().is_err(), is_told, "{kind:?}");
    }
}

#[test]
fn when_to_colour() {
    type Case<'a> = (ColorChoice, bool, &'a [(&'a str, &'a str)], bool);
    let cases: &[Case<'_>] = &[
        (ColorChoice::Auto, true, &[], true),
        (ColorChoice::Auto, false, &[], false),
        (ColorChoice::Auto, true, &[("NO_COLOR", "1")], false),
        (ColorChoice::Auto, true, &[("NO_COLOR", "")], true),
        (ColorChoice::Auto, true, &[("TERM", "dumb")], false),
        (ColorChoice::Auto, false, &[("CLICOLOR_FORCE", "1")], true),
        (ColorChoice::Auto, false, &[("CLICOLOR_FORCE", "0")], false),
        (ColorChoice::Auto, true, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        (ColorChoice::Always, false, &[("NO_COLOR", "1")], true),
        (ColorChoice::Never, true, &[("CLICOLOR_FORCE", "1")], false),
    ];
    for (color, is_terminal, variables, expected) in cases {
        let around = Surroundings { env: variables.iter().copied().collect(), ..Surroundings::for_test([]) };
        let look = Look { color: *color, ..Look::DEFAULT };
        assert_eq!(look.colored(*is_terminal, &around), *expected, "{color:?} {is_terminal} {variables:?}");
    }
}

fn error() -> CommandError {
    CommandError::environment("the store cannot be written")
        .cause("cannot create a/b: permission denied")
        .cause("two\nlines")
        .hint("choose another with --store")
}

#[test]
fn errors_for_people() {
    let (ui, out, err) = ui(Look::DEFAULT);
    ui.error(&error());
    assert_eq!(out.text(), "");
    insta::assert_snapshot!(err.text(), @"
    error: the store cannot be written
      caused by: cannot create a/b: permission denied
      caused by: two
        lines
      hint: choose another with --store
    ");
}

#[test]
fn errors_in_colour() {
    let (ui, _, err) = ui(Look { color: ColorChoice::Always, ..Look::DEFAULT });
    ui.error(&CommandError::usage("no").hint("yes"));
    assert_eq!(err.text(), "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m no\n  \u{1b}[1m\u{1b}[36mhint:\u{1b}[0m yes\n");
}

#[test]
fn errors_for_machines_too() {
    let look = Look { format: MessageFormat::Json, ..Look::DEFAULT };
    let (ui, out, err) = ui(look);
    ui.error(&error());
    assert!(err.text().starts_with("error: the store"));
    insta::assert_snapshot!(out.text(), @r#"{"schema":1,"reason":"error","kind":"environment","message":"the store cannot be written","causes":["cannot create a/b: permission denied","two\nlines"],"hints":["choose another with --store"]}"#);
}

#[test]
fn messages_leave_a_taken_stdout_alone() {
    let (ui, out, err) = ui(Look { format: MessageFormat::Json, stdout_is_taken: true, ..Look::DEFAULT });
    ui.message(&Message::End { exit: "done", exit_code: 0 });
    assert_eq!(out.text(), "");
    assert!(err.text().contains("\"end\""));
}

#[test]
fn levels() {
    for (verbosity, expected) in [
        (Verbosity::Quiet, "error: e\n"),
        (Verbosity::Normal, "n\nwarning: w\nerror: e\n"),
        (Verbosity::Verbose, "n\nd\nwarning: w\nerror: e\n"),
    ] {
        let (ui, out, err) = ui(Look { verbosity, ..Look::DEFAULT });
        ui.note("n");
        ui.detail("d");
        ui.warning("w");
        ui.error(&CommandError::build("e"));
        ui.print("r\n");
        assert_eq!((out.text().as_str(), err.text().as_str()), ("r\n", expected));
    }
}

//! Panics: always our bug, said so once, in words. Not here: the exit code, which [`crate::main`] gives.

use std::io::Write as _;
use std::panic::PanicHookInfo;

use crate::version;

/// From now on a panic of any thread says that it is a bug of ours, and what to report.
pub(crate) fn install_hook() {
    std::panic::set_hook(Box::new(|info| {
        let trace = std::backtrace::Backtrace::capture();
        // The printer may be what panicked; and if standard error is gone, nobody can be told.
        let _ = std::io::stderr().write_all(report(info, &trace.to_string()).as_bytes());
    }));
}

fn report(info: &PanicHookInfo<'_>, trace: &str) -> String {
    let payload = info.payload();
    let what = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let what = what.unwrap_or("(no message)");
    let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    render(what, &place, trace)
}

fn render(what: &str, place: &str, trace: &str) -> String {
    let repository = env!("CARGO_PKG_REPOSITORY");
    let tracker = if repository.is_empty() {
        "to the project's issue tracker".to_owned()
    } else {
        format!("at {repository}/issues")
    };
    let trace = if trace == "disabled backtrace" { "set RUST_BACKTRACE=1 for a backtrace" } else { trace };
    format!(
        "\nerror: this is a bug in bactrian: {what}\n  at: {place}\n  version: {} ({})\n  hint: please report it {tracker}, \
         with this text and the command line; {trace}\n",
        version::VERSION,
        version::build(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_whose_fault_it_is() {
        let text = render("index out of bounds", "src/x.rs:1:2", "disabled backtrace");
        assert!(text.contains("bug in bactrian: index out of bounds") && text.contains("src/x.rs:1:2"));
        assert!(text.contains(version::VERSION) && text.contains("RUST_BACKTRACE=1"));
    }
}

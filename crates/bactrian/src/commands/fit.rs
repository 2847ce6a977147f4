//! Whether a program fits its target, in words.
//!
//! Not here: finding out (the crate `inspect`), and what follows from it ([`super::build`]).

use inspect::{Fault, Violation};

/// What is wrong, as a cause of an error.
pub(crate) fn words(violation: &Violation<'_>) -> String {
    match &violation.fault {
        Fault::NotAnObject => "it is no program at all".to_owned(),
        Fault::Arch { found, expected } => format!("it is for {found:?}, not for {expected:?}").to_lowercase(),
        Fault::GlibcTooNew { found: (major, minor), ceiling, library, symbols } => {
            let (ceiling_major, ceiling_minor) = ceiling;
            format!(
                "it needs glibc {major}.{minor}, newer than {ceiling_major}.{ceiling_minor}, for {} of {library}",
                symbols.join(", ")
            )
        }
        Fault::GlibcUnranked { version, library } => format!("it needs {version} of {library}, which no release has"),
        Fault::NotStatic { interpreter, needed } => {
            let loader = interpreter.map_or_else(String::new, |loader| format!("; its loader is {loader}"));
            format!("it is not static: it needs {}{loader}", needed.join(", "))
        }
        Fault::Os { found, expected } => format!("it is for {found:?}, not for {expected:?}"),
        Fault::Interpreter { found } => format!("its loader is {found}, which the target does not have"),
        Fault::Library { name } => format!("it needs {name}, which does not come with the system"),
        Fault::AppleTooNew { found, ceiling } => {
            format!("it needs release {}.{} of the system, newer than {}.{}", found.0, found.1, ceiling.0, ceiling.1)
        }
        Fault::NotSigned => "it has no signature, without which the target does not start it".to_owned(),
        Fault::Unreadable(error) => error.to_string(),
        Fault::Format { found, expected } => format!("it is {found:?}, not {expected:?}").to_lowercase(),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// The loader a dynamic program names.
pub(crate) fn interpreter(bytes: &[u8]) -> Option<String> {
    let content = inspect::inspect(bytes).ok()?;
    content.items().iter().find_map(|item| Some(item.report.ok()?.interpreter.as_deref()?.to_owned()))
}

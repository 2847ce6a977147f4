//! Whether a brought compiler makes programs for its target: found out before anything is built with it.
//!
//! The recipe has compiled and linked one (`recipes/cc/brought.sh`); here is looked at what that is.

use action::digest::DirDigest;
use action::path::RelPath;
use action::tree::Entry;
use exec::engine::{NodeError, RunError};
use exec::store::{Store, StoreError};
use inspect::Fault;
use plan::cc::brought::CHECK;
use plan::target::Target;

use crate::commands::{build, fit};
use crate::error::CommandError;
use crate::failure;
use crate::settings::Bring;

/// Checks the toolchain in `tree`.
pub(crate) fn check(store: &Store, bring: &Bring, tree: DirDigest) -> Result<(), CommandError> {
    let target = bring.target;
    let bytes = program(store, tree).map_err(|error| failure::store(&error))?;
    let Some(bytes) = bytes else { return Err(CommandError::bug("a C toolchain was not checked")) };
    let unfit = || CommandError::usage(format_args!("{}: what its compiler links is not for {target}", bring.place));
    let content = inspect::inspect(&bytes).map_err(|error| unfit().cause(error))?;
    let violations = inspect::check(&content, &build::expectation(target));
    let Some(first) = violations.first() else { return Ok(()) };
    let told = violations.iter().fold(unfit(), |told, violation| told.cause(fit::words(violation)));
    Err(told.hint(hint(&first.fault, target)))
}

fn hint(fault: &Fault<'_>, target: Target) -> String {
    match fault {
        Fault::GlibcTooNew { found: (major, minor), .. } => format!(
            "the compiler's sysroot decides the oldest glibc that programs start with: say it with `--target {}.{major}.{minor}`",
            target.spec().name
        ),
        _ => "say the compiler of this target, or with `cflags` what it compiles for".to_owned(),
    }
}

/// The program that the recipe left, if it left one.
fn program(store: &Store, tree: DirDigest) -> Result<Option<Vec<u8>>, StoreError> {
    let Ok(path) = RelPath::new(CHECK) else { return Ok(None) };
    match store.entry(tree, &path)? {
        Some(Entry::File { digest, .. }) => store.read(digest).map(Some),
        _ => Ok(None),
    }
}

/// The compiler does not compile or link.
pub(crate) fn broken(error: &RunError, brings: &[Bring], store: &Store) -> CommandError {
    let told = failure::run(error, store);
    let NodeError::Action { .. } = error.cause else { return told };
    let bring = brings.iter().find(|bring| error.label.ends_with(&bring.target.to_string()));
    let place = bring.map_or("the C toolchain", |bring| bring.place.as_str());
    let message = format!("{place}: its compiler cannot compile and link a program for this target");
    let causes = told.causes;
    let said = CommandError { message, causes, hints: Vec::new(), ..CommandError::environment("") };
    let said = said.hint(
        "it was run in a root of its own: what it reads from elsewhere goes into `sysroot` or `directories`, and \
         `cflags` say what it is to be told",
    );
    told.hints.into_iter().fold(said, CommandError::hint)
}

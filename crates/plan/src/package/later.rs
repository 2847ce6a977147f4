//! What is known only when a package's command is run: the number of jobs, and variables that other packages give.
//!
//! Until then a mark stands for it in texts; a command with marks is run by a shell that fills them in. Not here: which
//! variables those are ([`crate::instructions`]).

/// Marks what a command is told only when it is run: between two of these is [`JOBS`], or the path of a file to be read.
const MARK: char = '\u{1}';
const JOBS: &str = "jobs";

/// The number of jobs, which must not be in an action's digest.
pub(crate) fn jobs() -> String {
    format!("{MARK}{JOBS}{MARK}")
}

/// Whether part of the text is known only when a command is run.
pub(crate) fn known_later(text: &str) -> bool {
    text.contains(MARK)
}

/// A variable that `package` gives to others, which is known once it is installed below `prefix`.
pub(crate) fn given_by(package: &str, variable: &str, prefix: &str) -> String {
    format!("{MARK}{prefix}/{}/{variable}{MARK}", given_variables(package))
}

/// Where a package's variables for others are, below its prefix: a file each.
pub(super) fn given_variables(package: &str) -> String {
    format!(".bactrian/{package}.config")
}

/// One word of a shell's command, in which marked places are filled in when it is run.
pub(super) fn shell_word(text: &str) -> String {
    let piece = |(number, piece): (usize, &str)| match piece {
        _ if number % 2 == 0 => format!("'{}'", piece.replace('\'', "'\\''")),
        JOBS => "\"$BACTRIAN_JOBS\"".to_owned(),
        // What a package does not say is the empty text, as it is to opam.
        file => format!("\"$(cat '{file}' 2>/dev/null)\""),
    };
    text.split(MARK).enumerate().map(piece).collect()
}

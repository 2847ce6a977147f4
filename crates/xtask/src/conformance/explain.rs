//! Differences of programs that have a cause: the rows of `data/conformance.tsv`. That a test is not compiled has none.
//!
//! Not here: what is done about a difference without one.

use plan::target::{Abi, Endian, Os, Runner, Target};

const TABLE: &str = include_str!("../../data/conformance.tsv");

/// Whose the difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// The emulator's: without it, the same program does as it should.
    Emulator,
    /// The C library's, which answers otherwise than the one the reference was made with.
    Libc,
    /// Of linking statically.
    Static,
    /// The test's, which presumes something of the machine that runs it.
    Test,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Explanation {
    pub(super) test: String,
    facts: Vec<String>,
    pub(super) cause: Cause,
    pub(super) why: String,
}

/// The rows of the table.
pub(super) fn table() -> Result<Vec<Explanation>, String> {
    parse(TABLE)
}

fn parse(text: &str) -> Result<Vec<Explanation>, String> {
    let rows = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    rows.map(|line| {
        let [test, facts, cause, why] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(format!("a row is to have four columns: {line}"));
        };
        let cause = match cause {
            "emulator" => Cause::Emulator,
            "libc" => Cause::Libc,
            "static" => Cause::Static,
            "test" => Cause::Test,
            other => return Err(format!("there is no cause `{other}`")),
        };
        let facts = facts.split(',').map(str::to_owned).collect();
        Ok(Explanation { test: test.to_owned(), facts, cause, why: why.to_owned() })
    })
    .collect()
}

impl Explanation {
    /// Whether it is about this test on this target: all of its facts hold.
    pub(super) fn is_about(&self, test: &str, target: Target) -> bool {
        let name = test.split('#').next().unwrap_or(test);
        let fits = self.test.strip_suffix('*').map_or(self.test == name, |start| name.starts_with(start));
        fits && self.facts.iter().all(|fact| holds(fact, target))
    }
}

/// A fact of a target, by one word of the table.
fn holds(fact: &str, target: Target) -> bool {
    let spec = target.spec();
    let runner = target.runner_on(super::here());
    match fact {
        "any" => true,
        "qemu" => matches!(runner, Runner::Qemu(_)),
        "wine" => runner == Runner::Wine,
        "musl" => spec.abi == Abi::Musl,
        "gnu" => spec.abi == Abi::Gnu,
        "windows" => spec.os == Os::Windows,
        "32-bit" => target.cpu().bits == 32,
        "big-endian" => target.cpu().endian == Endian::Big,
        name => spec.name == name || target.cpu().name == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_well_formed() {
        for row in table().unwrap() {
            assert!(row.why.len() > 20 && !row.facts.is_empty(), "{row:?}");
        }
    }

    #[test]
    fn rows_are_about_tests_and_targets() {
        let rows = parse("a/*\tqemu,aarch64\temulator\tw\nb/x.ml\tmusl\tlibc\tw\n").unwrap();
        let about = |row: usize, test: &str, target: &str| rows[row].is_about(test, target.parse().unwrap());
        assert!(about(0, "a/b.ml#2", "aarch64-linux-musl") && about(1, "b/x.ml", "x86_64-linux-musl"));
        assert!(!about(0, "a/b.ml", "riscv64-linux-musl") && !about(1, "b/x.ml", "x86_64-linux-gnu"));
        assert!(!about(1, "b/x.mlx", "x86_64-linux-musl"));
        assert!(parse("a\tb\tc").is_err() && parse("a\tany\tmoon\tw").is_err());
    }
}

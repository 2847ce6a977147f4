//! What came of a target's tests: the table, and what stands behind its numbers.
//!
//! A difference that is said to be an emulator's is shown to be: the same test, compiled for this machine, passes without an
//! emulator, and it is told whether this machine's own emulator has the same difference.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use plan::ocaml::Release;
use plan::target::{Runner, Target};

use super::Asked;
use super::compare::{self, Ended, With};
use super::explain::{self, Cause, Explanation};
use super::suite::{Selection, Suite};

/// Targets whose programs this machine runs as they are, and the emulator of their CPU; that of another CPU is shown by the first.
const OWN: [(&str, &str); 2] = [("x86_64-linux-musl", "qemu-x86_64"), ("x86-linux-musl", "qemu-i386")];

/// A target's.
pub(super) struct Report {
    target: Target,
    release: Release,
    passed: usize,
    /// Passed the second time.
    again: Vec<String>,
    skipped: Vec<String>,
    explained: Vec<(String, String, Explanation)>,
    unexplained: Vec<(String, String)>,
    selection: Selection,
}

/// What an emulator does to this machine's own programs.
pub(super) struct Shown {
    test: String,
    release: Release,
    emulator: &'static str,
    /// Whether it passes without an emulator.
    native: Ended,
    /// And with one.
    emulated: Ended,
}

impl Shown {
    /// What is wrong with the claim that an emulator alone makes the difference, if anything is.
    pub(super) fn refuted(&self) -> Option<String> {
        match &self.native {
            Ended::Passed | Ended::PassedAgain => None,
            other => Some(format!("{} is said to be an emulator's, and without one: {}", self.test, word(other))),
        }
    }
}

/// Compiles and runs a suite for a target.
pub(super) fn of(suite: &Suite, target: Target, bactrian: &Path) -> Result<Report, String> {
    let table = explain::table()?;
    let selection = suite.select(target)?;
    let with = With::of(target)?;
    let ended = compare::compile(suite, &selection.cases, (target, bactrian))?.run(&with);
    let mut report = Report {
        target,
        release: suite.release,
        passed: 0,
        again: Vec::new(),
        skipped: Vec::new(),
        explained: Vec::new(),
        unexplained: Vec::new(),
        selection: Selection::default(),
    };
    for (named, ended) in selection.cases.iter().zip(ended) {
        let name = named.name.clone();
        match ended {
            Ended::Passed => report.passed += 1,
            Ended::PassedAgain => {
                report.passed += 1;
                report.again.push(name);
            }
            Ended::Skipped => report.skipped.push(name),
            Ended::Differs(how) => match table.iter().find(|row| row.is_about(&name, target)) {
                Some(row) => report.explained.push((name, how, row.clone())),
                None => report.unexplained.push((name, how)),
            },
            // No row is about this: they are about programs that run.
            Ended::NotCompiled(how) => report.unexplained.push((name, format!("does not compile: {how}"))),
        }
    }
    report.selection = selection;
    Ok(report)
}

impl Report {
    pub(super) fn unexplained(&self) -> usize {
        self.unexplained.len()
    }

    /// One line, and one for each difference that nothing explains.
    pub(super) fn summary(&self) -> String {
        let mut text = format!(
            "{}: {} run, {} passed ({} of them the second time), {} explained, {} unexplained",
            self.target,
            self.run(),
            self.passed,
            self.again.len(),
            self.explained.len(),
            self.unexplained.len()
        );
        for (name, how) in &self.unexplained {
            let _ = write!(text, "\n  {name}: {how}");
        }
        text
    }

    fn run(&self) -> usize {
        self.passed + self.explained.len() + self.unexplained.len()
    }

    fn not_known(&self) -> usize {
        self.selection.not_known.values().map(Vec::len).sum()
    }

    fn not_for(&self) -> usize {
        self.selection.not_for.values().sum::<usize>() + self.skipped.len()
    }
}

/// Shows every difference that is explained by an emulator with this machine's own programs.
pub(super) fn show_emulators(reports: &[Report], asked: &Asked) -> Result<Vec<Shown>, String> {
    let mut wanted: BTreeMap<(String, usize), (Release, BTreeSet<&str>)> = BTreeMap::new();
    for report in reports {
        let emulated = matches!(report.target.runner_on(super::here()), Runner::Qemu(_));
        let names = report.explained.iter().filter(|(_, _, row)| emulated && row.cause == Cause::Emulator);
        let names: Vec<&str> = names.map(|(name, ..)| name.as_str()).collect();
        let own = OWN.iter().position(|(name, _)| *name == report.target.to_string()).unwrap_or(0);
        if !names.is_empty() {
            let key = (report.release.to_string(), own);
            wanted.entry(key).or_insert((report.release, BTreeSet::new())).1.extend(names);
        }
    }
    let mut shown = Vec::new();
    for ((_, own), (release, names)) in wanted {
        let Some((own, emulator)) = OWN.get(own) else { continue };
        let own: Target = own.parse::<Target>().map_err(|error| error.to_string())?;
        let suite = Suite::open(release, &asked.directories)?;
        let mut cases = suite.select(own)?.cases;
        cases.retain(|named| names.contains(named.name.as_str()));
        let compiled = compare::compile(&suite, &cases, (own, &asked.bactrian))?;
        let native = compiled.run(&With::emulator(None));
        let emulated = compiled.run(&With::emulator(Some(emulator)));
        for ((named, native), emulated) in cases.iter().zip(native).zip(emulated) {
            shown.push(Shown { test: named.name.clone(), release, emulator, native, emulated });
        }
    }
    Ok(shown)
}

/// The page of the docs.
pub(super) fn page(reports: &[Report], shown: &[Shown], lacking: &[Target]) -> String {
    let mut page = String::from(
        "<!-- Made by `cargo xtask conformance --write`. -->\n# Conformance\n\n\
         OCaml's own tests (`basic*`, `lib-*`, `misc*`, `float-unboxing`, `effects`, `parallel`, `weak-ephe-final`, `unicode`),\n\
         compiled to native code for each target and run by its runner; what they print is compared with their reference\n\
         files. A test is counted once for each way that its block describes. *Not for*: the test says itself that it is not for\n\
         such a target. *Not run*: something in its block is not known to `xtask`, by reason below.\n\n\
         | target | OCaml | run | passed | explained | unexplained | not for | not run |\n|---|---|---|---|---|---|---|---|\n",
    );
    for report in reports {
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {} | {} | {} | {} |",
            report.target,
            report.release,
            report.run(),
            report.passed,
            report.explained.len(),
            report.unexplained.len(),
            report.not_for(),
            report.not_known()
        );
    }
    if !lacking.is_empty() {
        let names: Vec<_> = lacking.iter().map(|target| format!("`{target}`")).collect();
        let _ = writeln!(page, "\nNot run, for the machine had no glibc of theirs: {}.", names.join(", "));
    }
    for report in reports {
        sections(&mut page, report);
    }
    if !shown.is_empty() {
        page.push_str("\n## Emulators\n\nThe tests that an emulator makes differ, compiled for this machine:\n\n");
        page.push_str("| test | OCaml | emulator | without it | under it |\n|---|---|---|---|---|\n");
        for one in shown {
            let (native, emulated) = (word(&one.native), word(&one.emulated));
            let _ = writeln!(page, "| {} | {} | {} | {native} | {emulated} |", one.test, one.release, one.emulator);
        }
    }
    page
}

fn sections(page: &mut String, report: &Report) {
    let _ = write!(page, "\n## {}\n", report.target);
    let mut list = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            let _ = write!(
                page,
                "\n{title}:\n\n{}\n",
                lines.iter().map(|line| format!("- {line}")).collect::<Vec<_>>().join("\n")
            );
        }
    };
    let unexplained = report.unexplained.iter().map(|(name, how)| format!("{name}: {how}"));
    list("Unexplained", unexplained.collect());
    let cause = |cause: Cause| format!("{cause:?}").to_lowercase();
    let explained = report.explained.iter().map(|(name, _, row)| format!("{name} ({}): {}", cause(row.cause), row.why));
    list("Explained", explained.collect());
    list("Passed the second time only", report.again.clone());
    list("Said while running that they cannot", report.skipped.clone());
    let known = report.selection.not_known.iter();
    list("Not run", known.map(|(why, names)| format!("{why}: {}", names.join(", "))).collect());
    let counted = |all: &BTreeMap<String, usize>| {
        all.iter().map(|(name, number)| format!("{name} {number}")).collect::<Vec<_>>().join(", ")
    };
    list(
        "Not for this target",
        [counted(&report.selection.not_for)].into_iter().filter(|text| !text.is_empty()).collect(),
    );
    list(
        "About something else",
        [counted(&report.selection.other)].into_iter().filter(|text| !text.is_empty()).collect(),
    );
}

fn word(ended: &Ended) -> &str {
    match ended {
        Ended::Passed | Ended::PassedAgain => "passes",
        Ended::Skipped => "skips itself",
        Ended::Differs(how) | Ended::NotCompiled(how) => how,
    }
}

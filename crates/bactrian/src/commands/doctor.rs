//! `bactrian doctor`: can this machine build and run? Each check is a line, with what to do if it fails.
//!
//! Not here: the checks ([`checks`], [`root`], [`remote`]).

mod checks;
mod remote;
mod root;

use std::path::{Path, PathBuf};

use super::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::messages::Message;
use crate::settings;
use crate::text;
use crate::ui::Role;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    /// What was looked at, in a word or two.
    pub(crate) name: String,
    pub(crate) status: Status,
    /// What was found.
    pub(crate) found: String,
    /// What mends it: commands or advice.
    pub(crate) fixes: Vec<String>,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Ok,
    /// Something will not work, but not everybody needs it.
    Warn,
    /// Nothing can be built.
    Fail,
}

impl Check {
    fn new(status: Status, name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { name: name.into(), status, found: found.into(), fixes: Vec::new() }
    }

    fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fixes.push(fix.into());
        self
    }
}

impl Status {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }

    const fn role(self) -> Role {
        match self {
            Self::Ok => Role::Success,
            Self::Warn => Role::Warning,
            Self::Fail => Role::Error,
        }
    }
}

/// Where the checks look.
struct Place<'a> {
    ctx: &'a Context<'a>,
    /// The directory of kernel settings, `/proc/sys`.
    sysctl: PathBuf,
    /// The store's directory.
    store: &'a Path,
}

impl Place<'_> {
    /// The file of a program in `PATH`.
    fn find(&self, program: &str) -> Option<PathBuf> {
        self.ctx.around.env.program(program)
    }

    /// How to install packages of Debian.
    fn install(&self, packages: &[&str]) -> String {
        let packages = packages.join(" ");
        match self.find("apt-get") {
            Some(_) => format!("sudo apt-get install {packages}"),
            None => format!("install what Debian calls {packages}"),
        }
    }
}

pub(crate) fn run(ctx: &Context<'_>, settings: &settings::Doctor) -> Result<Exit, CommandError> {
    let place = Place { ctx, sysctl: PathBuf::from("/proc/sys"), store: &settings.store };
    let mut checks = vec![checks::machine(&place)];
    let (store, opened) = checks::store(&place);
    checks.push(store);
    checks.push(checks::space(&place));
    checks.extend(opened.as_ref().map(|store| root::check(&place, store)));
    checks.push(checks::tools(&place, &plan::base::image().tools));
    checks.extend(checks::providers(&place));
    checks.extend(checks::emulators(&place));
    if let (Some(config), Some(store)) = (&settings.remote, opened) {
        checks.extend(remote::checks(&place, store, config));
    }
    tell(ctx, &checks)
}

fn tell(ctx: &Context<'_>, checks: &[Check]) -> Result<Exit, CommandError> {
    let width = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0);
    for check in checks {
        if ctx.ui.is_json() {
            ctx.ui.message(&Message::Check {
                name: &check.name,
                status: check.status.word(),
                found: &check.found,
                fixes: &check.fixes,
            });
            continue;
        }
        let mark = ctx.ui.paint_result(check.status.role(), check.status.word());
        ctx.ui.print(format_args!("{mark:4}  {:width$}  {}\n", check.name, check.found));
        for fix in &check.fixes {
            ctx.ui.print(format_args!("{:6}{:width$}  {} {fix}\n", "", "", ctx.ui.paint_result(Role::Hint, "fix:")));
        }
    }
    match checks.iter().filter(|check| check.status == Status::Fail).count() {
        0 => Ok(Exit::Done),
        failed => Err(CommandError::environment(format_args!("{} failed", text::count(failed, "check")))),
    }
}

#[cfg(test)]
mod tests;

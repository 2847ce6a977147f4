//! `bactrian tree`, `why` and `check`: what is needed, what for, and whether it will cross. Nothing is built.
//!
//! Not here: choosing ([`crate::resolution`]), what is known of packages (`plan::assess`).

use plan::assess::{self, Assessment, Class, Obstacle, Verdict};
use solve::solution::{Key, Role};

use super::Context;
use crate::error::{CommandError, Kind};
use crate::exit::Exit;
use crate::messages::Message;
use crate::resolution::Resolution;
use crate::settings::{Subject, Why};
use crate::text;
use crate::workshop::Workshop;

pub(crate) fn tree(ctx: &Context<'_>, subject: &Subject) -> Result<Exit, CommandError> {
    let workshop = Workshop::open(ctx, &subject.means)?;
    let resolutions = Resolution::of(&workshop, subject)?;
    for resolution in &resolutions {
        head(ctx, resolution, resolutions.len());
        tree_of(ctx, resolution);
    }
    Ok(Exit::Done)
}

/// Says which choice follows, where there are several.
fn head(ctx: &Context<'_>, resolution: &Resolution, number: usize) {
    if number > 1 {
        let targets: Vec<_> = resolution.targets.iter().map(ToString::to_string).collect();
        ctx.ui.note(format_args!("with OCaml {} for {}:", resolution.release, targets.join(", ")));
    }
}

fn tree_of(ctx: &Context<'_>, resolution: &Resolution) {
    let provided = |key: &Key| resolution.solution.nodes.get(key).is_some_and(|node| node.provided);
    // What comes with the compiler is no news, and neither is what that needs.
    for branch in resolution.solution.tree().into_iter().filter(|branch| !provided(branch.key)) {
        let version = version(resolution, branch.key);
        ctx.ui.message(&Message::Node {
            depth: branch.depth,
            name: branch.key.name.as_str(),
            version: &version,
            role: role(branch.key.role),
            repeated: branch.repeated,
        });
        if !ctx.ui.is_json() {
            let more = if branch.repeated { " (above)" } else { "" };
            let indent = branch.depth * 2;
            ctx.ui.print(format_args!(
                "{:indent$}{} {version}{}{more}\n",
                "",
                branch.key.name,
                on_host(branch.key.role)
            ));
        }
    }
}

pub(crate) fn why(ctx: &Context<'_>, settings: &Why) -> Result<Exit, CommandError> {
    let workshop = Workshop::open(ctx, &settings.subject.means)?;
    let resolutions = Resolution::of(&workshop, &settings.subject)?;
    let mut found = false;
    for resolution in &resolutions {
        let chains = resolution.solution.why(settings.package.as_str());
        if chains.is_empty() {
            continue;
        }
        found = true;
        head(ctx, resolution, resolutions.len());
        for chain in chains {
            let steps: Vec<String> = chain
                .iter()
                .map(|key| format!("{} {}{}", key.name, version(resolution, key), on_host(key.role)))
                .collect();
            ctx.ui.message(&Message::Chain { steps: &steps });
            if !ctx.ui.is_json() {
                ctx.ui.print(format_args!("{}\n", steps.join(" -> ")));
            }
        }
    }
    if !found {
        let keys = resolutions.iter().flat_map(|resolution| resolution.solution.nodes.keys());
        let names = keys.map(|key| key.name.as_str());
        let told = CommandError::new(Kind::Usage, format_args!("nothing needs `{}`", settings.package));
        return Err(match text::nearest(settings.package.as_str(), names) {
            Some(near) => told.hint(format_args!("did you mean `{near}`?")),
            None => told.hint("`bactrian tree` shows all that is needed"),
        });
    }
    Ok(Exit::Done)
}

pub(crate) fn check(ctx: &Context<'_>, subject: &Subject) -> Result<Exit, CommandError> {
    let workshop = Workshop::open(ctx, &subject.means)?;
    let resolutions = Resolution::of(&workshop, subject)?;
    let mut blocked = 0;
    for resolution in &resolutions {
        head(ctx, resolution, resolutions.len());
        blocked += check_one(ctx, resolution);
    }
    Ok(if blocked > 0 { Exit::Failed } else { Exit::Done })
}

/// Tells what is known of one choice's packages; returns how many are blocked.
fn check_one(ctx: &Context<'_>, resolution: &Resolution) -> usize {
    let all = assess::assess(&resolution.closure());
    let mut rows = Vec::new();
    for known in &all {
        let (word, mut note) = words(known);
        if known.weak_checksum {
            note = [note.as_str(), WEAK].join(if note.is_empty() { "" } else { "; " });
        }
        let version = known.version.to_string();
        ctx.ui.message(&Message::Assessment {
            name: known.name.as_str(),
            version: &version,
            role: role(known.role),
            class: class(known.class),
            verdict: word,
            note: &note,
        });
        // What crosses by rule is no news.
        if known.verdict != Verdict::Crosses || known.weak_checksum {
            let package = format!("{} {version}{}", known.name, on_host(known.role));
            rows.push([word.to_owned(), package, class(known.class).to_owned(), note]);
        }
    }
    let by_rule = all.iter().filter(|known| known.verdict == Verdict::Crosses).count();
    let blocked = all.iter().filter(|known| matches!(known.verdict, Verdict::Blocked(_))).count();
    let unknown = all.iter().filter(|known| matches!(known.verdict, Verdict::Unknown | Verdict::Lacks(_))).count();
    if !ctx.ui.is_json() {
        ctx.ui.print(format_args!("{}", text::table(&rows)));
        let total = text::count(all.len(), "package");
        ctx.ui.print(format_args!(
            "{total}: {by_rule} cross by rule, {} by what is known of them, {unknown} untold, {blocked} blocked\n",
            all.len() - by_rule - unknown - blocked
        ));
    }
    blocked
}

/// Said of a package with an archive by MD5, besides what else there is to say.
const WEAK: &str = "has an archive with an MD5 checksum alone, which tells damage but no forgery";

fn version(resolution: &Resolution, key: &Key) -> String {
    resolution.solution.nodes.get(key).map(|node| node.version.to_string()).unwrap_or_default()
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Host => "host",
        Role::Target => "target",
    }
}

const fn on_host(role: Role) -> &'static str {
    match role {
        Role::Host => " (host)",
        Role::Target => "",
    }
}

const fn class(class: Class) -> &'static str {
    match class {
        Class::Nothing => "nothing to build",
        Class::Conf => "of the system",
        Class::Dune => "dune",
        Class::DuneAndMore => "dune and more",
        Class::Topkg => "topkg",
        Class::Oasis => "oasis",
        Class::Configure => "configure",
        Class::Make => "make",
        Class::Other => "own commands",
    }
}

/// One word, and what there is to say.
fn words(known: &Assessment) -> (&'static str, String) {
    match &known.verdict {
        Verdict::Crosses => ("crosses", String::new()),
        Verdict::Quirk { why } => ("quirk", why.clone()),
        Verdict::Library(library) => {
            let facts = library.facts();
            ("library", format!("{} {} is built for the target", facts.name, facts.version))
        }
        Verdict::Unknown => (
            "untold",
            "its commands find the target's compilers; whether they run what they build is not known".to_owned(),
        ),
        Verdict::Lacks(tool) => ("lacks", format!("stands for `{tool}`, which builds do not have")),
        Verdict::Blocked(obstacle) => (
            "blocked",
            match obstacle {
                Obstacle::UnknownConf => "stands for something of the system that is not known here".to_owned(),
                Obstacle::NoChecksum => "has an archive without a checksum".to_owned(),
                Obstacle::Unavailable { why } => why.clone(),
            },
        ),
    }
}

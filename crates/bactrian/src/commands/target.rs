//! `bactrian target list`: the table of targets.

use plan::target::table::{DEFAULT_FLOOR, NEWEST_FLOOR};
use plan::target::{Runner, Target};

use super::Context;
use crate::exit::Exit;
use crate::messages::{self, Message};
use crate::text;
use crate::ui::Role;

pub(crate) fn list(ctx: &Context<'_>) -> Exit {
    if ctx.ui.is_json() {
        Target::all().for_each(|target| ctx.ui.message(&Message::Target(describe(ctx, target))));
    } else {
        ctx.ui.print(human(ctx));
    }
    Exit::Done
}

fn describe(ctx: &Context<'_>, target: Target) -> messages::Target<'static> {
    messages::Target {
        name: target.spec().name,
        cpu: target.cpu().name,
        bits: target.cpu().bits,
        gnu_triple: target.spec().gnu_triple,
        aliases: target.spec().aliases,
        glibc: target.glibc().map(|_| messages::Floors {
            oldest: target.cpu().oldest_glibc.to_string(),
            default: DEFAULT_FLOOR.to_string(),
            newest: NEWEST_FLOOR.to_string(),
        }),
        runner: match target.runner_on(ctx.around.machine) {
            Runner::Native => Some("native"),
            Runner::Qemu(program) => Some(program),
            Runner::Wine => Some("wine"),
            Runner::None => None,
        },
    }
}

fn human(ctx: &Context<'_>) -> String {
    let mut rows = vec![["TARGET", "LINKING", "RUNS HERE", "ALSO KNOWN AS"].map(str::to_owned)];
    for target in Target::all() {
        let facts = describe(ctx, target);
        let (name, linking) = match facts.glibc {
            Some(floors) => (format!("{}[.V]", facts.name), format!("glibc {} to {}", floors.oldest, floors.newest)),
            None if !target.has_own_cc() => (facts.name.to_owned(), "with the NDK".to_owned()),
            None => (facts.name.to_owned(), "static".to_owned()),
        };
        let runner = match facts.runner {
            Some("native") => "as it is".to_owned(),
            Some(emulator) => format!("under {emulator}"),
            None => "no".to_owned(),
        };
        rows.push([name, linking, runner, facts.aliases.first().copied().unwrap_or_default().to_owned()]);
    }
    let table = text::table(&rows);
    let (heading, body) = table.split_once('\n').unwrap_or((&table, ""));
    format!(
        "{}\n{body}V is the oldest glibc the programs start with, {DEFAULT_FLOOR} if not said.\n",
        ctx.ui.paint_result(Role::Heading, heading)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surroundings::Surroundings;
    use crate::timings::Recorder;
    use crate::ui::{Look, captured};

    #[test]
    fn as_people_see_it() {
        let (ui, out, _) = captured::ui(Look::DEFAULT);
        let around = Surroundings::for_test([]);
        assert_eq!(list(&Context { ui: &ui, around: &around, timings: Recorder::default() }), Exit::Done);
        insta::assert_snapshot!(out.text(), @"
        TARGET                     LINKING             RUNS HERE           ALSO KNOWN AS
        x86_64-linux-musl          static              as it is            x86_64-unknown-linux-musl
        aarch64-linux-musl         static              under qemu-aarch64  aarch64-unknown-linux-musl
        riscv64-linux-musl         static              under qemu-riscv64  riscv64-unknown-linux-musl
        powerpc64le-linux-musl     static              under qemu-ppc64le  powerpc64le-unknown-linux-musl
        s390x-linux-musl           static              under qemu-s390x    s390x-unknown-linux-musl
        x86_64-linux-gnu[.V]       glibc 2.17 to 2.44  as it is            x86_64-unknown-linux-gnu
        aarch64-linux-gnu[.V]      glibc 2.17 to 2.44  under qemu-aarch64  aarch64-unknown-linux-gnu
        riscv64-linux-gnu[.V]      glibc 2.27 to 2.44  under qemu-riscv64  riscv64-unknown-linux-gnu
        powerpc64le-linux-gnu[.V]  glibc 2.17 to 2.44  under qemu-ppc64le  powerpc64le-unknown-linux-gnu
        s390x-linux-gnu[.V]        glibc 2.17 to 2.44  under qemu-s390x    s390x-unknown-linux-gnu
        V is the oldest glibc the programs start with, 2.28 if not said.
        ");
    }
}

//! `bactrian target list`: the table of targets.

use plan::target::table::{DEFAULT_FLOOR, NEWEST_FLOOR};
use plan::target::{Abi, Runner, Target, Universal};

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

/// What programs are linked with where that is not glibc.
const fn linking(target: Target) -> &'static str {
    match target.spec().abi {
        Abi::Musl | Abi::Gnu => "static",
        Abi::Mingw => "system DLLs",
        Abi::Darwin => "libSystem, macOS 13",
        Abi::FreeBsd => "dynamic, FreeBSD 14",
        Abi::Bionic => "dynamic, with the NDK",
    }
}

fn human(ctx: &Context<'_>) -> String {
    let mut rows = vec![["TARGET", "LINKING", "RUNS HERE", "ALSO KNOWN AS"].map(str::to_owned)];
    for target in Target::all() {
        let facts = describe(ctx, target);
        let (name, linking) = match facts.glibc {
            Some(floors) => (format!("{}[.V]", facts.name), format!("glibc {} to {}", floors.oldest, floors.newest)),
            None => (facts.name.to_owned(), linking(target).to_owned()),
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
    let universal: String = Universal::ALL
        .iter()
        .map(|universal| {
            let parts: Vec<String> = universal.targets().map(|target| target.to_string()).collect();
            format!("{} is {} in one file, for `build`.\n", universal.name, parts.join(" and "))
        })
        .collect();
    format!(
        "{}\n{body}{universal}V is the oldest glibc the programs start with, {DEFAULT_FLOOR} if not said.\n",
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
        TARGET                     LINKING                RUNS HERE           ALSO KNOWN AS
        x86_64-linux-musl          static                 as it is            x86_64-unknown-linux-musl
        aarch64-linux-musl         static                 under qemu-aarch64  aarch64-unknown-linux-musl
        riscv64-linux-musl         static                 under qemu-riscv64  riscv64-unknown-linux-musl
        powerpc64le-linux-musl     static                 under qemu-ppc64le  powerpc64le-unknown-linux-musl
        s390x-linux-musl           static                 under qemu-s390x    s390x-unknown-linux-musl
        armv7-linux-musleabihf     static                 under qemu-arm      armv7-unknown-linux-musleabihf
        x86-linux-musl             static                 under qemu-i386     i686-unknown-linux-musl
        x86_64-linux-gnu[.V]       glibc 2.17 to 2.44     as it is            x86_64-unknown-linux-gnu
        aarch64-linux-gnu[.V]      glibc 2.17 to 2.44     under qemu-aarch64  aarch64-unknown-linux-gnu
        riscv64-linux-gnu[.V]      glibc 2.27 to 2.44     under qemu-riscv64  riscv64-unknown-linux-gnu
        powerpc64le-linux-gnu[.V]  glibc 2.17 to 2.44     under qemu-ppc64le  powerpc64le-unknown-linux-gnu
        s390x-linux-gnu[.V]        glibc 2.17 to 2.44     under qemu-s390x    s390x-unknown-linux-gnu
        aarch64-linux-android      dynamic, with the NDK  no                  aarch64-none-linux-android
        x86_64-windows-gnu         system DLLs            under wine          x86_64-w64-mingw32
        aarch64-macos              libSystem, macOS 13    no                  aarch64-apple-darwin
        x86_64-macos               libSystem, macOS 13    no                  x86_64-apple-darwin
        x86_64-freebsd             dynamic, FreeBSD 14    no                  x86_64-unknown-freebsd
        universal-macos is x86_64-macos and aarch64-macos in one file, for `build`.
        V is the oldest glibc the programs start with, 2.28 if not said.
        ");
    }
}

//! The reference pages that are made from tables of this crate, and the tests that keep them true.
//!
//! `UPDATE_DOCS=1 cargo test -p bactrian reference` writes them anew.

use std::path::Path;

use opam::filter::Filter;
use opam::formula::{Formula, VersionConstraint};
use plan::quirk::{Quirk, Quirks};

use crate::messages::{self, Message};
use crate::settings::file;
use crate::{env_vars, exit};

const NOTE: &str =
    "<!-- Made from the source by `UPDATE_DOCS=1 cargo test -p bactrian reference`; a test compares. -->\n";

fn check(page: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(page);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "{page} is not what the source says: run with UPDATE_DOCS=1");
}

#[test]
fn exit_codes() {
    let row = |row: &exit::Row| format!("| {} | `{}` | {} |\n", row.exit.code(), row.name, row.meaning);
    let rows: String = exit::TABLE.iter().map(row).collect();
    check(
        "exit-codes.md",
        &format!(
            "{NOTE}# Exit codes

Scripts may rely on them.

| code | name | meaning |
|---|---|---|
{rows}
`bactrian run` and `bactrian exec` end with the exit code of the program they ran, once it ran; if a signal ended it, with
128 and the signal's number, as shells do. `bactrian test` ends with 1 if a test fails. So a code of theirs can be the program's or Bactrian's. Where that matters, ask for
`--message-format json`: the last message says `\"exit\":\"program\"` if the code is the program's, and one of the names above
if it is not.
"
        ),
    );
}

#[test]
fn environment() {
    let row = |variable: &env_vars::Variable| {
        let option = variable.option.map_or_else(String::new, |option| format!("`{option}`"));
        format!("| `{}` | {option} | {} |\n", variable.name, variable.meaning)
    };
    let rows: String = env_vars::ALL.iter().map(row).collect();
    check(
        "environment.md",
        &format!(
            "{NOTE}# Environment variables

The environment is read once, when the program starts. A variable that is empty counts as unset. An option on the command line
goes before its variable, the variable before [`bactrian.toml`](configuration.md). Builds see none of these, nor any other
variable of yours: an action's environment is fixed.

| variable | option | meaning |
|---|---|---|
{rows}
Sources are downloaded with the proxies and certificates that `http_proxy`, `https_proxy`, `no_proxy` and `SSL_CERT_FILE` name.
The machine's own `npm`, `pip` and `apt-get` get the variables that configure them (`NPM_…`, `PIP_…`, proxies,
certificates, `HOME`, `PATH`), and no others.
"
        ),
    );
}

#[test]
fn configuration() {
    let row = |key: &file::keys::Key| {
        let option = if key.option.is_empty() { String::new() } else { format!("`{}`", key.option) };
        format!("| `{}` | {option} | `{}` | {} |\n", key.name, key.example, key.meaning)
    };
    let rows: String = file::keys::KEYS.iter().map(row).collect();
    check(
        "configuration.md",
        &format!(
            "{NOTE}# `bactrian.toml`

Beside the project: in the directory that `build`, `run`, `exec` and `shell` are given, and for the other commands in the
working directory. It sets defaults for options:

```toml
targets = [\"x86_64-linux-musl\", \"aarch64-linux-musl\"]
ocaml = \"5.3.0\"

[run]
bin = \"hello\"
```

| key | option | example | meaning |
|---|---|---|---|
{rows}
`[toolchain.TARGET]` brings a C toolchain for a target: one of `cc`, `cmake` and `ndk` says which, and the other keys what is to be known
besides (`docs/design/c-toolchain.md`). A table for `aarch64-linux-gnu` is for every glibc floor, one for `\"aarch64-linux-gnu.2.36\"` for
that alone.

Any other key is an error, told with its line and column and the key it may have been meant to be. All mistakes are told at
once.

## What goes before what

For each setting, the first of these that says anything:

1. the option on the command line,
2. the [environment variable](environment.md),
3. `bactrian.toml`,
4. the default.

Lists are not joined: `--target a` builds for `a` alone, whatever the file says. Relative paths of options and variables are
seen from the working directory, those of the file from its own directory. `--message-format`, `--color`, `-v` and `-q` have no
keys: how output looks is the user's choice, not the project's.
"
        ),
    );
}

#[test]
fn messages_for_machines() {
    let sample = |message: &Message<'_>| format!("{}\n\n```json\n{}```\n\n", explain(message), message.to_line());
    let samples: String = messages::samples::all().iter().map(sample).collect();
    check(
        "messages.md",
        &format!(
            "{NOTE}# Messages for machines

With `--message-format json`, standard output is a sequence of JSON objects, one per line. (For `run`, `exec` and `shell`
standard output is the program's; messages are on standard error.) Messages for people still go to standard error.

Every object has `schema`, the version of this contract, now {schema}, and `reason`, which says what it is about. Within one schema,
reasons and fields may be added; ignore those you do not know. A field that does not apply is `null` or an empty list.
Sizes are in bytes, times in milliseconds. The last object is always `end`.

{samples}",
            schema = messages::SCHEMA
        ),
    );
}

#[test]
fn every_line_is_an_object_with_schema_and_reason() {
    for message in messages::samples::all() {
        let line = message.to_line();
        let object: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(object["schema"], messages::SCHEMA);
        let heading = format!("## `{}`", object["reason"].as_str().unwrap());
        assert!(explain(&message).starts_with(&heading), "{line}");
        assert_eq!(line.matches('\n').count(), 1);
    }
}

/// The heading and prose of a message. Exhaustive: a new message must be explained.
fn explain(message: &Message<'_>) -> &'static str {
    match message {
        Message::Planned { .. } => "## `planned`\n\nA graph is to be made, of so many nodes.",
        Message::Started { .. } => {
            "## `started`\n\nWork on a node begins. `kind` is `fetch`, `unpack`, `capture` or `run`. `node` names it until it \
             is finished, within one `planned`."
        }
        Message::Progress { .. } => {
            "## `progress`\n\nPart of a download is here. `total` is `null` if it is not known."
        }
        Message::Waiting { .. } => "## `waiting`\n\nAnother process makes the same thing; this one waits for it.",
        Message::Remote { .. } => {
            "## `remote`\n\nAn action is on its way on a remote engine. `stage` is `sending` (its inputs), `asked` (they are \
             there), `queued`, `running` or `requeued` (its worker was lost). Of engines that say nothing `asked` is the last."
        }
        Message::Ran { .. } => {
            "## `ran`\n\nAn action has been run by a remote engine. `worker` is `null` if the engine does not say. Its inputs were on their \
             way, it was queued, and a worker had it, for so long; `sent` are the bytes that the engine lacked. What came from the \
             engine's cache is `downloaded`, and not told of here."
        }
        Message::RemoteOff { .. } => {
            "## `remote-off`\n\nThe remote cache failed, and is done without from here on: what is missing is made here."
        }
        Message::Finished { .. } => {
            "## `finished`\n\nA node is done. `end` is `cached` (it was in the store; such nodes are not `started`), `made`, \
             `downloaded` (from a remote cache), `made-remotely`, `failed` or `skipped` (because something else failed)."
        }
        Message::Program { .. } => {
            "## `program`\n\nA program that `bactrian build` or `bactrian install` delivered, and where."
        }
        Message::Lock { .. } => {
            "## `lock`\n\nThe project's lock, of `bactrian lock` and `bactrian update`; whether it was written just now."
        }
        Message::Change { .. } => {
            "## `change`\n\nA package of which the lock has another version than before; `null` if there is or was none."
        }
        Message::Node { .. } => {
            "## `node`\n\nA line of `bactrian tree`: a package below the one that needs it, which is the last one before it of a smaller \
             `depth`. `role` is `host` or `target`. What a `repeated` one needs was told before."
        }
        Message::Chain { .. } => "## `chain`\n\nAn answer of `bactrian why`: each step needs the next.",
        Message::Assessment { .. } => {
            "## `assessment`\n\nWhat `bactrian check` knows of a package. `verdict` is `crosses` (by rule), `quirk` (by what is known of it), \
             `library` (a C library, built for the target), `untold` (nothing is known), `lacks` (stands for a program that builds do not have) or `blocked`."
        }
        Message::Toolchain { .. } => {
            "## `toolchain`\n\nA toolchain that is in the store; `bytes` is what its files hold."
        }
        Message::Addition { .. } => {
            "## `addition`\n\nWhat was added to the store by `bactrian toolchain add`: its name and version; `bytes` is what its files hold."
        }
        Message::Target(_) => {
            "## `target`\n\nA target of `bactrian target list`. `glibc` is `null` for targets without glibc; `runner` is `native`, the \
             name of an emulator, or `null` if its programs cannot be run here."
        }
        Message::Inspected(_) => {
            "## `inspected`\n\nA file of `bactrian inspect`. `objects` is empty if it is no object file. `kind` is `executable`, \
             `shared-library`, `relocatable`, `import-stub`, `core`, `debug-companion` or `other`; `linkage` is `static`, `static-pie` or \
             `dynamic`. `oldest_release` is that of `system` (for Linux, the kernel its C library was built for). `glibc.floor` is the oldest glibc it starts with, `because_of` the symbols that decide that."
        }
        Message::Check { .. } => "## `check`\n\nA check of `bactrian doctor`. `status` is `ok`, `warn` or `fail`.",
        Message::StoreStats { .. } => "## `store-stats`\n\nWhat is in the store. What areas share counts on disk once.",
        Message::StoreCollected { .. } => "## `store-collected`\n\nWhat `bactrian store gc` deleted.",
        Message::StoreFault { .. } => "## `store-fault`\n\nSomething damaged that `bactrian store verify` found.",
        Message::StoreVerified { .. } => "## `store-verified`\n\nWhat `bactrian store verify` did in all.",
        Message::Error { .. } => {
            "## `error`\n\nWhy the command did not do what was asked; also told to people on standard error. `kind` is a name of \
             [exit-codes.md](exit-codes.md). Errors in the command line itself are told to people alone: what format was asked for is not \
             known then."
        }
        Message::End { .. } => {
            "## `end`\n\nThe last object. `exit` is a name of [exit-codes.md](exit-codes.md), or `program` if the code is that of \
             the user's program."
        }
    }
}

/// What of the embedded quirks says where packages are available.
#[test]
fn exceptions() {
    let quirks = Quirks::embedded().unwrap();
    let row = |quirk: &Quirk| {
        let versions = versions(&quirk.versions);
        format!("| {} | {versions} | `{}` | {} |\n", quirk.package, quirk.fields.available, quirk.why)
    };
    let rows: String = quirks.iter().filter(|quirk| quirk.fields.available != Filter::TRUE).map(row).collect();
    let none = if rows.is_empty() { "None is known.\n" } else { "" };
    check(
        "exceptions.md",
        &format!(
            "{NOTE}# Packages that cannot be built for some targets\n\nKnown by having tried: the corpus's packages for every target. \
             `bactrian check` says so before anything is built, and a build stops there. Your own go into a \
             [file of quirks](quirks.md).\n\n{none}| package | versions | can be built where | why not elsewhere |\n|---|---|---|---|\n{rows}"
        ),
    );
}

fn versions(of: &VersionConstraint) -> String {
    let joined = |all: &[VersionConstraint], by: &str| all.iter().map(versions).collect::<Vec<_>>().join(by);
    match of {
        Formula::True => "all".to_owned(),
        Formula::False => "none".to_owned(),
        Formula::Atom(bound) => format!("{} {}", bound.operator.symbol(), bound.version),
        Formula::And(all) => joined(all, " & "),
        Formula::Or(all) => joined(all, " or "),
    }
}

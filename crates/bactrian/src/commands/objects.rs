//! `bactrian build --object`: an OCaml program as an object file that a C program is linked with.
//!
//! dune's mode `object` makes it (`ocamlopt -output-complete-obj`): OCaml's runtime is in it, what it needs of the C library is
//! not. Beside it are put the headers that C code includes to call it. Not here: programs ([`super::build`]).

use std::fs;
use std::path::Path;

use action::tree::Entry;
use inspect::{Expectation, Format};
use plan::delivery::{self, Wanted};
use plan::layout;
use plan::target::{Goal, Target};

use super::Context;
use super::build::{Delivered, Order, Place, expectation, make_parent, write_file};
use super::fit;
use crate::error::CommandError;
use crate::failure;
use crate::project::Project;
use crate::site::Site;
use crate::workshop::Workshop;

/// Builds the objects, and delivers them with OCaml's headers to `output/TARGET/`.
pub(super) fn build(
    ctx: &Context<'_>,
    order: &Order<'_>,
    objects: &[String],
) -> Result<Vec<(Goal, Vec<Delivered>)>, CommandError> {
    let mut targets = Vec::new();
    for goal in order.goals {
        match goal {
            Goal::One(target) => targets.push(*target),
            Goal::Universal(_) => {
                return Err(CommandError::usage(format_args!("{goal} is several targets, and an object is for one"))
                    .hint("name the targets themselves"));
            }
        }
    }
    let project = Project::find(order.project)?;
    let workshop = Workshop::open(ctx, order.means)?;
    let wanted = Wanted::Objects(objects.to_vec());
    let mut delivered = Vec::new();
    for place in Place::open_all(ctx, &workshop, order, (&project, &targets))? {
        place.make(&wanted)?;
        let site = &place.site;
        for target in &site.targets {
            let directory = order.output.join(target.to_string());
            headers(&workshop, site, *target, &directory.join("include/caml"))?;
            let objects = objects.iter().map(|object| one(site, *target, object, &directory));
            delivered.push((Goal::One(*target), objects.collect::<Result<_, _>>()?));
        }
    }
    Ok(delivered)
}

/// Checks an object and copies it if it changed.
fn one(site: &Site<'_>, target: Target, object: &str, directory: &Path) -> Result<Delivered, CommandError> {
    let name = object.rsplit('/').next().unwrap_or(object);
    let built = site.build.join(delivery::object_file(target, object));
    let bytes = fs::read(&built).map_err(|error| undelivered(&built, error))?;
    let unfit = || CommandError::build(format_args!("{name}: the object that was built does not fit {target}"));
    let content = inspect::inspect(&bytes).map_err(|error| unfit().cause(error))?;
    // What a program has to be is asked of whoever links it.
    let whole = expectation(target);
    // Where a linked file is of another format than an object.
    let format = whole.format.map(|format| if format == Format::Pe { Format::Coff } else { format });
    let expected = Expectation { format, static_required: false, glibc_ceiling: None, ..whole };
    let violations = inspect::check(&content, &expected);
    if !violations.is_empty() {
        return Err(violations.iter().fold(unfit(), |told, violation| told.cause(fit::words(violation))));
    }
    let file = directory.join(format!("{name}.o"));
    write_changed(&file, &bytes)?;
    Ok(Delivered { name: name.to_owned(), file })
}

/// Copies OCaml's C headers for the target.
fn headers(workshop: &Workshop<'_>, site: &Site<'_>, target: Target, into: &Path) -> Result<(), CommandError> {
    let path = format!("{}/{target}/lib/ocaml/caml", layout::CROSS);
    let Some(tree) = site.directory(&path)? else { return Err(CommandError::bug("a root has no headers of OCaml")) };
    let listed = workshop.store.directory(tree).map_err(|error| failure::store(&error))?;
    for (name, entry) in listed.iter() {
        if let Entry::File { digest, .. } = entry {
            let bytes = workshop.store.read(*digest).map_err(|error| failure::store(&error))?;
            write_changed(&into.join(name.as_str()), &bytes)?;
        }
    }
    Ok(())
}

/// Writes a file whose contents are others: what depends on it is to be made again only then.
fn write_changed(file: &Path, bytes: &[u8]) -> Result<(), CommandError> {
    if fs::read(file).ok().as_deref() == Some(bytes) {
        return Ok(());
    }
    make_parent(file).and_then(|()| write_file(file, bytes, false)).map_err(|error| undelivered(file, error))
}

fn undelivered(path: &Path, error: std::io::Error) -> CommandError {
    CommandError::environment(format_args!("cannot deliver {}", path.display())).cause(error)
}

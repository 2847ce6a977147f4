//! Layout of `bactrian inspect` for people. Not here: words for facts.

use crate::messages::{HostPath, Inspected, Object};
use crate::text;
use crate::ui::{Role, Ui};

/// How many symbols and paths are shown before the rest is only counted.
const SHOWN: usize = 5;

/// A file's paragraph, or its table of members.
pub(super) fn render(ui: &Ui, file: &Inspected) -> String {
    let heading = format!("{}\n", ui.paint_result(Role::Heading, &file.file));
    let body = match (file.container, file.objects.as_slice()) {
        (None, []) => block(&[["what".to_owned(), super::NO_OBJECT.to_owned()]]),
        (None, [object]) => block(&[rows(object), host_paths(&file.host_paths)].concat()),
        (container, objects) => {
            let what = format!("{} of {}", container.unwrap_or("file"), text::count(objects.len(), "object"));
            let what = vec![["what".to_owned(), what.replace('-', " ")]];
            block(&[what, host_paths(&file.host_paths)].concat()) + &members(objects)
        }
    };
    heading + &body
}

fn block(rows: &[[String; 2]]) -> String {
    text::table(rows).lines().fold(String::new(), |block, line| block + "  " + line + "\n")
}

fn rows(object: &Object) -> Vec<[String; 2]> {
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            rows.push([name.to_owned(), value]);
        }
    };
    row("what", what(object));
    row("machine", machine(object));
    row("system", system(object));
    row("glibc", glibc(object));
    row("signature", object.signature.unwrap_or_default().to_owned());
    row("interpreter", object.interpreter.clone().unwrap_or_default());
    row("own name", object.own_name.clone().unwrap_or_default());
    row("libraries", object.libraries.join(", "));
    row("can do without", object.optional_libraries.join(", "));
    row("search path", object.search_path.join(":"));
    rows
}

fn what(object: &Object) -> String {
    if let Some(damage) = &object.damage {
        return format!("damaged: {damage}");
    }
    let linkage = match object.linkage {
        None => "",
        Some("static") => ", static",
        Some("static-pie") => ", static, position-independent",
        Some(_) => ", dynamic",
    };
    format!("{} {}{linkage}", object.format.unwrap_or_default(), object.kind.unwrap_or_default().replace('-', " "))
}

fn machine(object: &Object) -> String {
    let Some(cpu) = &object.cpu else { return String::new() };
    let bits = object.bits.map_or_else(String::new, |bits| format!(", {bits}-bit"));
    let endian = object.endian.map_or_else(String::new, |endian| format!(", {endian}-endian"));
    let float = object.float_abi.map_or_else(String::new, |float| format!(", {float} float"));
    format!("{cpu}{bits}{endian}{float}")
}

fn system(object: &Object) -> String {
    let Some(system) = &object.system else { return String::new() };
    let release = object.oldest_release.as_ref().map_or_else(String::new, |release| format!(" {release} or later"));
    let libc = object.libc.map_or_else(String::new, |libc| format!(", {libc}"));
    format!("{system}{release}{libc}")
}

fn glibc(object: &Object) -> String {
    let Some(need) = &object.glibc else { return String::new() };
    let floor = need.floor.as_ref().map_or_else(
        || "any release".to_owned(),
        |floor| format!("{floor} or later, because of {}", some(&need.because_of)),
    );
    if need.private.is_empty() {
        floor
    } else {
        format!("{floor}; exactly this build, because of {}", some(&need.private))
    }
}

fn some(names: &[String]) -> String {
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(SHOWN);
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

fn members(objects: &[Object]) -> String {
    let mut table = vec![["MEMBER", "WHAT", "MACHINE", "SYSTEM"].map(str::to_owned)];
    for object in objects {
        let slice = object.slice.map(|slice| format!("slice {slice}"));
        let name: Vec<String> = slice.into_iter().chain(object.member.clone()).collect();
        table.push([name.join(" "), what(object), machine(object), system(object)]);
    }
    text::table(&table).lines().fold(String::new(), |text, line| text + "  " + line + "\n")
}

/// A row for each path; only the first has a name.
fn host_paths(paths: &[HostPath]) -> Vec<[String; 2]> {
    let mut told: Vec<String> = paths.iter().take(SHOWN).map(host_path).collect();
    match paths.len().saturating_sub(SHOWN) {
        _ if paths.is_empty() => told.push("none".to_owned()),
        0 => {}
        more => told.push(format!("and {more} more")),
    }
    let name = |number| if number == 0 { "host paths" } else { "" };
    told.into_iter().enumerate().map(|(number, path)| [name(number).to_owned(), path]).collect()
}

fn host_path(path: &HostPath) -> String {
    let place = path.section.as_ref().map_or_else(String::new, |section| format!(" in {section}"));
    let times = if path.count == 1 { String::new() } else { format!(", {} times", path.count) };
    format!("{}{place}{times}", path.path)
}

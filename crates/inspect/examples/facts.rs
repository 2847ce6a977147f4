//! Prints what `inspect` finds in the given files, and how long it took: for comparing with `readelf` and `objdump`.
//!
//! `cargo run --release -p inspect --example facts -- FILE... [--prefix HOST-PATH]...`

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "an example of a caller, run by hand")]

use std::time::Instant;

fn main() -> std::io::Result<()> {
    let mut files = Vec::new();
    let mut prefixes = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--prefix" => prefixes.extend(arguments.next()),
            _ => files.push(argument),
        }
    }
    let prefixes: Vec<&[u8]> = prefixes.iter().map(String::as_bytes).collect();

    for file in files {
        let bytes = std::fs::read(&file)?;
        let start = Instant::now();
        let content = inspect::inspect(&bytes);
        let inspected = start.elapsed();
        let start = Instant::now();
        let paths = inspect::host_paths(&bytes, &prefixes);
        let searched = start.elapsed();

        println!("{file}: {} bytes, read in {inspected:?}, searched in {searched:?}", bytes.len());
        match &content {
            Ok(content) => content.items().iter().for_each(print_item),
            Err(error) => println!("error {error}"),
        }
        for path in paths {
            let place = inspect::locate(&bytes, path.offset);
            println!("path {:?} x{} {:?} at {place:?}", String::from_utf8_lossy(path.path), path.count, path.fit);
        }
    }
    Ok(())
}

fn print_item(item: &inspect::Item<'_, '_>) {
    if item.place != inspect::Place::default() {
        println!("place {:?}", item.place);
    }
    let report = match item.report {
        Ok(report) => report,
        Err(error) => return println!("error {error}"),
    };
    println!("file {:?} {:?} {:?}", report.format, report.kind, report.linkage);
    println!("machine {:?}", report.machine);
    println!("platform {:?}", report.platform);
    report.interpreter.iter().for_each(|path| println!("interpreter {path}"));
    report.own_name.iter().for_each(|name| println!("own-name {name}"));
    report.needed.iter().for_each(|library| println!("needed {library}"));
    report.optional.iter().for_each(|library| println!("optional {library}"));
    report.rpath.iter().chain(&report.runpath).for_each(|path| println!("search-path {path}"));
    report.compressed_sections.iter().for_each(|section| println!("compressed {section}"));
    for need in &report.version_needs {
        let weak = if need.weak { "weak" } else { "strong" };
        println!("version {} {} {weak} {}", need.library, need.version, need.symbols.join(","));
    }
    if let Some((major, minor)) = report.glibc().and_then(|glibc| glibc.floor) {
        println!("glibc-floor {major}.{minor}");
    }
}

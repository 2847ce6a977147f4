//! Prints what `inspect` finds in the given files, and how long it took: for comparing with `readelf` and `objdump`.
//!
//! `cargo run --release -p inspect --example facts -- FILE... [--prefix HOST-PATH]...`

#![expect(clippy::print_stdout, reason = "an example, run by hand")]

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
    let prefixes: Vec<&[u8]> = prefixes.iter().map(|prefix| prefix.as_bytes()).collect();

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
            Ok(content) => {
                for item in content.items() {
                    println!("  {:?}: {:#?}", item.place, item.report);
                    if let Ok(report) = item.report {
                        println!("  glibc floor: {:?}", report.glibc().and_then(|glibc| glibc.floor));
                    }
                }
            }
            Err(error) => println!("  {error}"),
        }
        for path in paths {
            let place = inspect::locate(&bytes, path.offset);
            println!("  {:?} x{} {:?} at {place:?}", String::from_utf8_lossy(path.path), path.count, path.fit);
        }
    }
    Ok(())
}

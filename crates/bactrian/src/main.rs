//! The command `bactrian`; everything is in the library beside it.
fn main() -> std::process::ExitCode {
    bactrian::main()
}

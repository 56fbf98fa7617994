//! A local Authsignal, for people in any language; `authsignal-emulator --help` says how.
use std::process::ExitCode;

fn main() -> ExitCode {
    axum_authsignal::emulator::cli::main()
}

//! A local Authsignal, for people in any language; `authsignal-emulator --help` says how.
use std::process::ExitCode;

fn main() -> ExitCode {
    authsignal_emulator::cli::main()
}

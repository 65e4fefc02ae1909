//! The binary: hands its arguments to the library and ends with the exit code that comes back.

use std::process::ExitCode;

fn main() -> ExitCode {
    seatkeeper::cli::run(std::env::args_os()).into()
}

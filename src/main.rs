//! The binary: hands its arguments to the library and ends with the exit code that comes back.

use std::process::ExitCode;

/// Gives memory back once a large plan is done with; the system's allocator keeps most of it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    seatkeeper::cli::run(std::env::args_os()).into()
}

//! The whole program: the command line, the engine and the store against the sandbox tenant, as a
//! user, a crash or a bad network meets them. Nothing beyond loopback.

mod cli;
mod crash;
mod examples;
mod faults;
mod input;
mod kill;
mod lab;
mod reviewed;
mod site;
mod untouched;

//! One value, many renderings. Nothing here decides, reads or writes anything: a rendering says what
//! a plan holds, and never more.

pub mod annotations;
pub mod csv;
pub mod diagnosis;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
mod past;
pub mod text;
pub mod word;

#[cfg(test)]
pub(crate) mod any;

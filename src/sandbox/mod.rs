//! The sandbox tenant: the part of Microsoft Graph that Seatkeeper uses, emulated.
pub(crate) mod chance;
pub mod company;
pub mod model;

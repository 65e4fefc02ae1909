//! reviewed

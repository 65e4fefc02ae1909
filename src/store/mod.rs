//! Keeps what must not be lost.

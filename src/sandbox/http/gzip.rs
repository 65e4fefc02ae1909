//! Compressed requests, as the SDKs of some languages send them.
//!
//! Source: Kiota: bodies may come with `Content-Encoding: gzip`, and are sent again without where
//! the answer is 415.

use std::io::Read as _;

use flate2::read::GzDecoder;

use crate::sandbox::http::BODY_MAX;
use crate::sandbox::http::reply::Failure;
use crate::sandbox::http::world::Call;

/// Unpacks the body of a request, where it is packed.
pub(super) fn unpack(call: &mut Call) -> Result<(), Failure> {
    match call.headers.get("content-encoding").map(String::as_str) {
        None | Some("identity") => return Ok(()),
        Some("gzip") => {}
        Some(_) => {
            let message = "The content encoding is not supported; gzip is.";
            return Err(Failure::new(415, "UnsupportedMediaType", message));
        }
    }
    let mut body = Vec::new();
    // One byte more than allowed tells that there is more; a bomb is never unpacked whole.
    let mut decoder = GzDecoder::new(call.body.as_slice()).take(BODY_MAX as u64 + 1);
    match decoder.read_to_end(&mut body) {
        Ok(length) if length <= BODY_MAX => {
            call.body = body;
            Ok(())
        }
        Ok(_) => {
            let message = "The request is larger than the server accepts.";
            Err(Failure::new(413, "RequestEntityTooLarge", message))
        }
        Err(_) => Err(Failure::unreadable()),
    }
}

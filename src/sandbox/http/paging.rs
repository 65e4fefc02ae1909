//! Pages of a collection, and the opaque tokens that lead from one to the next.

use crate::sandbox::chance::Chance;
use crate::sandbox::http::json::{self, Object, base64url};
use crate::sandbox::http::query::{Query, next_page};
use crate::sandbox::http::reply::{Failure, Reply};
use crate::sandbox::http::world::Call;

/// Which page of a collection is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    /// Where it begins.
    pub(super) start: usize,
    /// How many objects it holds at most.
    pub(super) size: usize,
}

/// What is said about a page beside its objects.
#[derive(Clone, Debug)]
pub(super) struct About {
    /// What follows `$metadata#`.
    pub(super) context: String,
    /// The number of objects on all pages, where it was asked for.
    pub(super) count: Option<usize>,
    /// Where the next page begins, where there is one.
    pub(super) next: Option<usize>,
}

impl Page {
    /// Reads `$top` and `$skiptoken`.
    pub(super) fn asked(call: &Call, query: &Query) -> Result<Self, Failure> {
        let size = query.page_size()?;
        let start = match query.get("$skiptoken") {
            None => 0,
            Some(given) => position(call, query, given).ok_or_else(|| {
                Failure::new(
                    400,
                    "Directory_ExpiredPageToken",
                    "The specified page token value has expired and can no longer be included in \
                     your request.",
                )
            })?,
        };
        Ok(Self { start, size })
    }

    /// Whether the number of all objects is to be told: on the first page of an advanced query.
    pub(super) fn counts(self, call: &Call) -> bool {
        self.start == 0 && call.is_advanced()
    }
}

/// Writes a page.
pub(super) fn reply(call: &Call, about: &About, items: impl FnOnce(&mut Vec<u8>)) -> Reply {
    let mut body = Vec::new();
    let mut object = Object::begin(&mut body);
    let context = format!("{}/$metadata#{}", call.root, about.context);
    json::text(object.key("@odata.context"), &context);
    if let Some(count) = about.count {
        json::bare(object.key("@odata.count"), count);
    }
    if let Some(next) = about.next {
        let query = next_page(&call.query, &token(call, &call.options(), next));
        let link = format!("{}{}?{query}", call.root, call.path);
        json::text(object.key("@odata.nextLink"), &link);
    }
    items(object.key("value"));
    object.end();
    Reply::json(200, body)
}

/// The context of a collection: its name, and the properties where they were selected.
pub(super) fn context(name: &str, query: &Query) -> String {
    match query.select() {
        Some(select) => format!("{name}({})", select.join(",")),
        None => name.to_owned(),
    }
}

/// A token says where to go on, and of which query it is.
fn token(call: &Call, query: &Query, position: usize) -> String {
    let of = format!("{} {}", call.path, query.get("$filter").unwrap_or_default());
    let check = Chance::new(0x5ea7, &of, position as u64).next();
    let position = u64::try_from(position).expect("a place in a list fits into 64 bits");
    let mut bytes = b"RFNwdAoAAQ".to_vec();
    bytes.extend(position.to_be_bytes());
    bytes.extend(check.to_be_bytes());
    base64url(&bytes)
}

/// Reads a token by trying what it could be: places are what it holds in bytes 10 to 17.
fn position(call: &Call, query: &Query, given: &str) -> Option<usize> {
    let bytes = decode(given)?;
    let place: [u8; 8] = bytes.get(10..18)?.try_into().ok()?;
    let place = usize::try_from(u64::from_be_bytes(place)).ok()?;
    (token(call, query, place) == given).then_some(place)
}

/// Decodes what [`base64url`] wrote.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let value = |letter: u8| match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    };
    let mut bytes = Vec::new();
    for chunk in text.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for letter in chunk {
            bits = (bits << 6) | u32::from(value(*letter)?);
        }
        bits <<= 6 * (4 - chunk.len());
        bytes.extend_from_slice(&bits.to_be_bytes()[1..chunk.len()]);
    }
    Some(bytes)
}

//! Pages of a collection, and the opaque tokens that lead from one to the next.

use std::collections::BTreeSet;
use std::time::Duration;

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
            Some(given) => read(call, query, given).ok_or_else(expired)?.position,
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
        let mark =
            Mark { position: next, made: call.now.at.as_second(), retried: call.retries_page };
        let query = next_page(&call.query, &token(call, &call.options(), mark));
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

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    position: usize,
    /// When it was made, in seconds.
    made: i64,
    /// Whether the page that it came with had been asked for before.
    retried: bool,
}

const PREFIX: &[u8; 10] = b"RFNwdAoAAQ";

/// A token says where to go on, and of which query it is.
fn token(call: &Call, query: &Query, mark: Mark) -> String {
    let options =
        ["$filter", "$search", "$orderby"].map(|name| query.get(name).unwrap_or_default());
    let of = format!("{} {} {mark:?}", call.path, options.join(" "));
    let check = Chance::new(0x5ea7, &of, 0).next();
    let position = u64::try_from(mark.position).expect("a place in a list fits into 64 bits");
    let mut bytes = PREFIX.to_vec();
    bytes.extend(position.to_be_bytes());
    bytes.extend(mark.made.to_be_bytes());
    bytes.push(u8::from(mark.retried));
    bytes.extend(check.to_be_bytes());
    base64url(&bytes)
}

/// Reads a token by trying what it could be.
fn read(call: &Call, query: &Query, given: &str) -> Option<Mark> {
    let bytes = decode(given)?;
    let number =
        |from: usize| Some(u64::from_be_bytes(bytes.get(from..from + 8)?.try_into().ok()?));
    let position = usize::try_from(number(10)?).ok()?;
    let made = number(18)?.cast_signed();
    let retried = *bytes.get(26)? == 1;
    let mark = Mark { position, made, retried };
    (token(call, query, mark) == given).then_some(mark)
}

/// How strict a server is with the tokens of pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageTokens {
    /// How long they are good; none means for ever.
    pub lifetime: Option<Duration>,
    /// Whether one that came with a page asked for twice is void. Graph does so at times.
    pub forget_retried: bool,
}

/// The tokens that came back.
#[derive(Debug, Default)]
pub(super) struct Returned {
    tokens: BTreeSet<String>,
}

impl Returned {
    /// Looks at the token of a request. Returns whether it came before.
    ///
    /// Source: Graph, error handling for paging: who goes on with a token of a page that was asked
    /// for again may be refused.
    pub(super) fn note(&mut self, call: &Call, rules: PageTokens) -> Result<bool, Failure> {
        if rules == PageTokens::default() {
            return Ok(false);
        }
        let query = call.options();
        let Some(given) = query.get("$skiptoken") else { return Ok(false) };
        let Some(mark) = read(call, &query, given) else { return Ok(false) };
        let age = call.now.at.as_second() - mark.made;
        let lives =
            |lifetime: Duration| u64::try_from(age).is_ok_and(|age| age > lifetime.as_secs());
        if rules.lifetime.is_some_and(lives) {
            return Err(expired());
        }
        if !rules.forget_retried {
            return Ok(false);
        }
        if mark.retried {
            return Err(lost());
        }
        if self.tokens.len() >= RETURNED_MAX {
            self.tokens.clear();
        }
        Ok(!self.tokens.insert(given.to_owned()))
    }
}

/// Tokens that are remembered; beyond that all are taken for new again.
const RETURNED_MAX: usize = 100_000;

/// 400: the token is too old, or of another query.
pub(super) fn expired() -> Failure {
    Failure::new(
        400,
        "Directory_ExpiredPageToken",
        "The specified page token value has expired and can no longer be included in your request.",
    )
}

/// 400: the token is of a page that was asked for again.
pub(super) fn lost() -> Failure {
    let message = "The specified page token was not found. Please restart the request.";
    Failure::new(400, "DirectoryPageTokenNotFoundException", message)
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

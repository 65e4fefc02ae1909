//! What a policy says about the usage location.

use crate::domain::attribute::Attribute;
use crate::domain::country;
use crate::domain::names::UsageLocation;
use crate::policy::LocationRule;
use crate::policy::raw::RawLocation;
use crate::yaml::{Entry, Kind, Node, Reader, did_you_mean};

const FORMS: &str = "write `{set: DE}`, `{default: DE}` or `{from: country, default: DE}`";

/// Reads `usage_location`.
pub(super) fn lower(reader: &mut Reader, entry: Option<&Entry>) -> Option<LocationRule> {
    let node = &entry?.value;
    if let Kind::Scalar { text: _, plain: _ } = &node.kind
        && !node.is_nothing()
    {
        reader.error_with(node.spot, "expected a mapping, found a single value", FORMS);
        return None;
    }
    let RawLocation { spot, set, default, from } = RawLocation::read(reader, node)?;
    match (set, default, from) {
        (None, None, None) => {
            reader.error_with(spot, "`usage_location` says nothing", FORMS);
            None
        }
        (Some(set), None, None) => code(reader, set).map(LocationRule::Set),
        (None, Some(default), None) => code(reader, default).map(LocationRule::Default),
        (None, default, Some(from)) => {
            let default = default.and_then(|entry| code(reader, entry));
            let attribute = source(reader, &from.value)?;
            Some(LocationRule::From { attribute, default })
        }
        (Some(_), Some(_), _) | (Some(_), None, Some(_)) => {
            reader.error_with(spot, "`set` goes with nothing else", FORMS);
            None
        }
    }
}

/// Reads the attribute that names the country.
fn source(reader: &mut Reader, node: &Node) -> Option<Attribute> {
    let text = reader.text(node)?;
    let attribute = Attribute::named(text).filter(|of| *of != Attribute::UsageLocation);
    if attribute.is_none() {
        let keys: Vec<String> = Attribute::all().map(|of| of.key().into_owned()).collect();
        let hint = match did_you_mean(text, keys.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name an attribute that holds a country, such as `country`".to_owned(),
        };
        reader.error_with(node.spot, format!("`{text}` is not an attribute"), hint);
    }
    attribute
}

fn code(reader: &mut Reader, entry: &Entry) -> Option<UsageLocation> {
    let code: UsageLocation = reader.parsed(&entry.value)?;
    if let Some((message, hint)) = country::refusal(code) {
        reader.error_with(entry.value.spot, message, hint);
        return None;
    }
    Some(code)
}

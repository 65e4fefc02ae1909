//! What a policy says about the usage location.

use crate::domain::names::UsageLocation;
use crate::policy::LocationRule;
use crate::policy::raw::RawLocation;
use crate::yaml::{Entry, Kind, Reader};

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
            reader.choice(&from.value, "source of locations", &[("country", ())])?;
            Some(LocationRule::FromCountry { default })
        }
        (Some(_), Some(_), _) | (Some(_), None, Some(_)) => {
            reader.error_with(spot, "`set` goes with nothing else", FORMS);
            None
        }
    }
}

fn code(reader: &mut Reader, entry: &Entry) -> Option<UsageLocation> {
    let code: UsageLocation = reader.parsed(&entry.value)?;
    if code.as_str() == "UK" {
        // Source: ISO 3166-1, where UK is reserved and GB assigned; Graph knows only GB.
        let hint = "the United Kingdom is `GB`";
        reader.error_with(entry.value.spot, "`UK` is not a country code", hint);
        return None;
    }
    Some(code)
}

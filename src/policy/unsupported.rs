//! What the format has and this version does not do yet: refused, so that nothing a person wrote
//! is silently without effect.

use crate::policy::raw::RawFile;
use crate::yaml::Reader;

/// Notes every key of the file that does not take effect in this version.
pub(super) fn unsupported(reader: &mut Reader, file: &RawFile<'_>) {
    let RawFile { top, policies: _, ladders: _, tests: _ } = file;
    if let Some(entry) = top.tests {
        reader.error(entry.key_spot, format!("`{}` is not supported yet", entry.key));
    }
}

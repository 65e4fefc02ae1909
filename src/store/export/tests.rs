use insta::assert_snapshot;
use proptest::prelude::*;

use crate::domain::sku::Catalogue;
use crate::domain::snapshot::Reading;
use crate::plan::ledger::Ledger;
use crate::store::any::{any_change, any_snapshot};
use crate::store::export::{Export, HEAD_LENGTH, MAGIC, decode, encode};

fn any_export() -> impl Strategy<Value = Export> {
    (any_snapshot(), proptest::collection::vec(any_change(), 0..40)).prop_map(
        |(snapshot, changes)| {
            let mut ledger = Ledger::default();
            for change in &changes {
                ledger.apply(change);
            }
            Export { tenant: "contoso".parse().unwrap(), snapshot, ledger }
        },
    )
}

fn small() -> Vec<u8> {
    let mut reading = Reading::begin("2026-11-23T09:00:00Z".parse().unwrap());
    reading.users(Vec::new());
    reading.groups(Vec::new());
    reading.catalogue(Catalogue::default());
    let snapshot = reading.finish().unwrap();
    let tenant = "contoso".parse().unwrap();
    encode(&Export { tenant, snapshot, ledger: Ledger::default() }).unwrap()
}

fn refused(bytes: &[u8]) -> String {
    let error = decode(bytes).unwrap_err();
    format!("{error}\n{}", error.hint())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn an_export_comes_back_as_it_was_written(export in any_export()) {
        prop_assert_eq!(decode(&encode(&export).unwrap()).unwrap(), export);
    }

    /// Whatever one byte becomes, the file is refused. (The version of the program that wrote it is
    /// there to be told only.)
    #[test]
    fn an_export_with_a_changed_byte_is_refused(export in any_export(), at: usize, mask in 1..=u8::MAX) {
        let mut bytes = encode(&export).unwrap();
        let at = at % bytes.len();
        let told_only = MAGIC.len() + 8..HEAD_LENGTH - 32;
        prop_assume!(!told_only.contains(&at));
        bytes[at] ^= mask;
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn an_export_that_ends_early_is_refused(export in any_export(), at: usize) {
        let bytes = encode(&export).unwrap();
        prop_assert!(decode(&bytes[..at % bytes.len()]).is_err());
    }

    /// Not even text that has the right digest makes the reader panic.
    #[test]
    fn any_payload_is_read_or_refused(payload: Vec<u8>) {
        use sha2::Digest as _;
        let mut bytes = small()[..HEAD_LENGTH - 32].to_vec();
        bytes.extend(sha2::Sha256::digest(&payload));
        bytes.extend(&payload);
        let _ = decode(&bytes);
    }
}

#[test]
fn what_is_no_export_is_told_from_one_that_is_damaged_or_of_another_version() {
    let bytes = small();
    assert_snapshot!(refused(b"policies: []"), @"
    it is not a snapshot that `seatkeeper snapshot` wrote
    name a file that `seatkeeper snapshot --out FILE` wrote
    ");
    assert_snapshot!(refused(b""), @"
    it is not a snapshot that `seatkeeper snapshot` wrote
    name a file that `seatkeeper snapshot --out FILE` wrote
    ");
    assert_snapshot!(refused(&bytes[..4]), @"
    it is damaged: it ends after 4 bytes
    fetch it again, or export it again: `seatkeeper snapshot --out FILE`
    ");
    assert_snapshot!(refused(&bytes[..30]), @"
    it is damaged: it ends after 30 bytes
    fetch it again, or export it again: `seatkeeper snapshot --out FILE`
    ");
    assert_snapshot!(refused(&bytes[..bytes.len() - 1]), @"
    it is damaged: its digest does not fit, so it is not whole or was changed
    fetch it again, or export it again: `seatkeeper snapshot --out FILE`
    ");
    let mut newer = bytes.clone();
    newer[MAGIC.len()] = 9;
    newer[MAGIC.len() + 8..][..5].copy_from_slice(b"7.1.0");
    assert_snapshot!(refused(&newer), @"
    seatkeeper 7.1.0 wrote it in format 9.4; this one reads format 2.4
    export it again with this version of seatkeeper, or use the one that wrote it
    ");
}

use jiff::Timestamp;

use super::{at, block_on, contoso, fabrikam, open, scratch};
use crate::domain::ids::SkuId;
use crate::plan::forecast::SeatPoint;
use crate::plan::inventory::SeatUse;
use crate::ports::Records as _;

fn seat(number: u128, used: u64) -> SeatUse {
    let (id, sku) = (SkuId::from_uuid(uuid::Uuid::from_u128(number)), "SPE_E5".into());
    SeatUse { id, sku, total: 10, used, free: 10 - used, reserved: 0, waiting: 1 }
}

fn point(second: i64, number: u128, used: u64) -> SeatPoint {
    SeatPoint { at: at(second), seats: seat(number, used) }
}

#[test]
fn how_seats_are_used_is_kept_where_it_changed_and_found_from_a_time_on() {
    let dir = scratch();
    let store = open(&dir);
    let note = |second, seats: Vec<SeatUse>| {
        block_on(store.note_seats(&contoso(), at(second), seats)).unwrap();
    };
    let since = |second| block_on(store.seat_history(&contoso(), at(second))).unwrap();
    note(10, vec![seat(1, 3), seat(2, 5)]);
    note(20, vec![seat(1, 3), seat(2, 6)]);
    note(30, vec![seat(1, 4), seat(2, 6)]);
    // The clock was ahead, and goes right again.
    note(9_000, vec![seat(1, 9)]);
    note(31, vec![seat(1, 4)]);
    let all = [point(10, 1, 3), point(30, 1, 4), point(31, 1, 4), point(10, 2, 5), point(20, 2, 6)];
    assert_eq!(since(0), all);
    assert_eq!(since(25), [point(10, 1, 3), point(30, 1, 4), point(31, 1, 4), point(20, 2, 6)]);
    assert_eq!(since(30), [point(30, 1, 4), point(31, 1, 4), point(20, 2, 6)]);
    assert_eq!(block_on(store.seat_history(&fabrikam(), at(0))).unwrap(), []);
    // What is dropped is what was no longer so when the time that is kept begins.
    block_on(store.drop_before(at(25), at(9_000))).unwrap();
    assert_eq!(since(0), [point(10, 1, 3), point(30, 1, 4), point(31, 1, 4), point(20, 2, 6)]);
    block_on(store.drop_before(Timestamp::from_second(8_000).unwrap(), at(9_000))).unwrap();
    assert_eq!(since(0), [point(31, 1, 4), point(20, 2, 6)]);
}

//! Numbers that look random and follow from a seed alone: the same on every machine, every time.
//!
//! Pure. Never asks the operating system; nothing here is fit for secrets.

use uuid::Uuid;

/// A stream of numbers, given by a seed, a name and an index.
#[derive(Clone, Debug)]
pub(crate) struct Chance {
    state: u64,
}

impl Chance {
    /// Begins the stream with this name and index.
    pub(crate) fn new(seed: u64, name: &str, index: u64) -> Self {
        let named = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let start = scramble(seed ^ named).wrapping_add(scramble(index ^ 0x9e37_79b9_7f4a_7c15));
        Self { state: scramble(start) }
    }

    /// Returns the next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        scramble(self.state)
    }

    /// Returns a number below `bound`, which must not be zero.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Returns one of these, of which there must be at least one.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let index = self.below(items.len() as u64);
        &items[usize::try_from(index).expect("an index below a length fits")]
    }

    /// Whether a thing of this rate (0 to 1) happens now.
    pub(crate) fn happens(&mut self, rate: f64) -> bool {
        // 53 bits are what a double holds exactly.
        #[expect(clippy::cast_precision_loss, reason = "both numbers are below 2^53")]
        let drawn = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        drawn < rate
    }

    /// Returns a GUID of version 4.
    pub(crate) fn guid(&mut self) -> Uuid {
        let (high, low) = (self.next(), self.next());
        let bytes = ((u128::from(high) << 64) | u128::from(low)).to_be_bytes();
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}

/// Source: the finaliser of `SplitMix64`.
fn scramble(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_follows_from_seed_name_and_index() {
        let draw = |seed, name, index| Chance::new(seed, name, index).guid();
        assert_eq!(draw(1, "user", 7), draw(1, "user", 7));
        assert_ne!(draw(1, "user", 7), draw(2, "user", 7));
        assert_ne!(draw(1, "user", 7), draw(1, "group", 7));
        assert_ne!(draw(1, "user", 7), draw(1, "user", 8));
        assert_eq!(draw(1, "user", 7).get_version_num(), 4);
    }

    #[test]
    fn rates_are_kept() {
        let mut chance = Chance::new(3, "rates", 0);
        let hits = (0..10_000).filter(|_| chance.happens(0.25)).count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
        assert!(!chance.happens(0.0));
        assert!(chance.happens(1.0));
    }
}

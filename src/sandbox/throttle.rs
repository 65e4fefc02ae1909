//! Token buckets as Graph's directory keeps them, so that a client meets its quotas here first.
//!
//! Pure: time comes in as a value.
//!
//! Source: Graph throttling limits, identity and access: resource units by tenant size over 10
//! seconds, 3,000 writes over 150 seconds for an app in a tenant, 18,000 over 300 for the tenant;
//! 10 reads of sign-in activity a minute.

use std::time::Duration;

use jiff::Timestamp;

/// What may be asked in which time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Units that may be used at once.
    pub units: u32,
    /// The time in which a used-up quota is whole again.
    pub every: Duration,
}

/// The quotas of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Resource units of reads and writes, for the app in the tenant.
    pub resource_units: Quota,
    /// Writes of the app in the tenant.
    pub writes: Quota,
    /// Writes in the tenant by all apps.
    pub tenant_writes: Quota,
    /// Reads of sign-in activity.
    pub sign_ins: Quota,
}

impl Quotas {
    /// Returns what is documented for a tenant of this size.
    pub fn documented(users: usize) -> Self {
        let units = match users {
            0..50 => 3_500,
            50..=500 => 5_000,
            _ => 8_000,
        };
        Self {
            resource_units: Quota { units, every: Duration::from_secs(10) },
            writes: Quota { units: 3_000, every: Duration::from_secs(150) },
            tenant_writes: Quota { units: 18_000, every: Duration::from_mins(5) },
            sign_ins: Quota { units: 10, every: Duration::from_mins(1) },
        }
    }
}

/// What a request costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) resource_units: u32,
    pub(crate) writes: u32,
    pub(crate) sign_ins: u32,
}

/// Which quota refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    ResourceUnits,
    Writes,
    TenantWrites,
    SignIns,
}

impl Limit {
    /// Returns scope and limit as `x-ms-throttle-scope` begins.
    pub(crate) fn scope(self) -> &'static str {
        match self {
            Self::ResourceUnits => "Tenant_Application/ReadWrite",
            Self::SignIns => "Tenant_Application/Read",
            Self::Writes => "Tenant_Application/Write",
            Self::TenantWrites => "Tenant/Write",
        }
    }

    /// Returns the word of `x-ms-throttle-information`.
    pub(crate) fn information(self) -> &'static str {
        match self {
            Self::ResourceUnits | Self::SignIns => "ResourceUnitLimitExceeded",
            Self::Writes | Self::TenantWrites => "WriteLimitExceeded",
        }
    }
}

/// Whether a request passes, and how full the fullest bucket is (1.0 is the quota).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    Pass { used: f64 },
    Refuse { limit: Limit, used: f64, retry_after: Duration },
}

#[derive(Clone, Debug)]
struct Bucket {
    quota: Quota,
    used: f64,
    at: Timestamp,
}

impl Bucket {
    fn drain(&mut self, now: Timestamp) {
        let passed = now.duration_since(self.at).as_secs_f64().max(0.0);
        self.used = (self.used - passed * self.rate()).max(0.0);
        self.at = self.at.max(now);
    }

    /// Returns units a second.
    fn rate(&self) -> f64 {
        f64::from(self.quota.units) / self.quota.every.as_secs_f64()
    }

    fn fits(&self, cost: u32, share: f64) -> bool {
        self.used + f64::from(cost) <= share * f64::from(self.quota.units)
    }

    /// Refused requests count too, but never so much that a patient client waits longer than
    /// the quota's own time.
    fn charge(&mut self, cost: u32) {
        self.used = (self.used + f64::from(cost)).min(2.0 * f64::from(self.quota.units));
    }

    fn fill(&self) -> f64 {
        self.used / f64::from(self.quota.units)
    }

    fn fits_in(&self, cost: u32, share: f64) -> Duration {
        let over = self.used + f64::from(cost) - share * f64::from(self.quota.units);
        Duration::from_secs_f64((over / self.rate()).ceil().clamp(1.0, 3_600.0))
    }
}

/// The buckets of one tenant.
#[derive(Clone, Debug)]
pub(crate) struct Buckets {
    buckets: [(Limit, Bucket); 4],
}

impl Buckets {
    pub(crate) fn new(quotas: &Quotas, now: Timestamp) -> Self {
        let bucket = |quota: Quota| Bucket { quota, used: 0.0, at: now };
        Self {
            buckets: [
                (Limit::ResourceUnits, bucket(quotas.resource_units)),
                (Limit::Writes, bucket(quotas.writes)),
                (Limit::TenantWrites, bucket(quotas.tenant_writes)),
                (Limit::SignIns, bucket(quotas.sign_ins)),
            ],
        }
    }

    /// Charges a request that may use so much of the quotas (1 is all), and says whether it passes.
    pub(crate) fn charge(&mut self, cost: Cost, allowed: f64, now: Timestamp) -> Verdict {
        let share = |limit: Limit| match limit {
            Limit::ResourceUnits => cost.resource_units,
            Limit::Writes | Limit::TenantWrites => cost.writes,
            Limit::SignIns => cost.sign_ins,
        };
        let mut refused = None;
        for (limit, bucket) in &mut self.buckets {
            let cost = share(*limit);
            bucket.drain(now);
            if cost > 0 && !bucket.fits(cost, allowed) {
                let wait = bucket.fits_in(cost, allowed);
                if refused.is_none_or(|(_, longest)| wait > longest) {
                    refused = Some((*limit, wait));
                }
            }
            bucket.charge(cost);
        }
        let touched = self.buckets.iter().filter(|(limit, _)| share(*limit) > 0);
        let used = touched.map(|(_, bucket)| bucket.fill()).fold(0.0, f64::max);
        match refused {
            None => Verdict::Pass { used },
            Some((limit, retry_after)) => Verdict::Refuse { limit, used, retry_after },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITE: Cost = Cost { resource_units: 1, writes: 1, sign_ins: 0 };

    fn after(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_795_424_400 + seconds).unwrap()
    }

    #[test]
    fn a_burst_of_the_whole_quota_passes_and_the_next_is_refused() {
        let mut buckets = Buckets::new(&Quotas::documented(500), after(0));
        for _ in 0..3_000 {
            assert!(matches!(buckets.charge(WRITE, 1.0, after(0)), Verdict::Pass { .. }));
        }
        let Verdict::Refuse { limit, used, retry_after } = buckets.charge(WRITE, 1.0, after(0))
        else {
            panic!("the quota is used up");
        };
        assert_eq!((limit, retry_after), (Limit::Writes, Duration::from_secs(1)));
        assert!(used > 1.0);
    }

    #[test]
    fn who_waits_as_told_passes() {
        let mut buckets = Buckets::new(&Quotas::documented(500), after(0));
        let mut refused = 0;
        for _ in 0..3_100 {
            if matches!(buckets.charge(WRITE, 1.0, after(0)), Verdict::Refuse { .. }) {
                refused += 1;
            }
        }
        assert_eq!(refused, 100);
        // Twenty a second come back: 101 units over the quota need six seconds.
        assert!(matches!(buckets.charge(WRITE, 1.0, after(6)), Verdict::Pass { .. }));
    }

    #[test]
    fn who_may_use_less_is_refused_first() {
        let mut buckets = Buckets::new(&Quotas::documented(500), after(0));
        for _ in 0..2_400 {
            assert!(matches!(buckets.charge(WRITE, 0.8, after(0)), Verdict::Pass { .. }));
        }
        assert!(matches!(buckets.charge(WRITE, 0.8, after(0)), Verdict::Refuse { .. }));
        assert!(matches!(buckets.charge(WRITE, 1.0, after(0)), Verdict::Pass { .. }));
    }

    #[test]
    fn larger_tenants_may_read_more() {
        let units = |users| Quotas::documented(users).resource_units.units;
        assert_eq!([units(49), units(500), units(501)], [3_500, 5_000, 8_000]);
    }
}

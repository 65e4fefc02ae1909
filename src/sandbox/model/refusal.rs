//! What Graph says when it will not do a thing, word for word where the words are known.

use crate::domain::ids::{ServicePlanId, SkuId};

/// Why a write is refused. The text is what Graph sends, so it keeps Graph's capitals and stops.
///
/// Source: Graph user: assignLicense, answers with status 400 and code `Request_BadRequest`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An array is missing.
    #[error(
        "One or more parameters of the operation 'assignLicense' are missing from the request \
         payload. The missing parameters are: {}.",
        .0.join(", ")
    )]
    Missing(Vec<&'static str>),
    /// A text is not a GUID.
    #[error(
        "Cannot convert a primitive value to the expected type 'Edm.Guid'. See the inner \
         exception for more details."
    )]
    NotAGuid,
    /// A null stands for a GUID.
    #[error("A null value was found with the expected type 'Edm.Guid[Nullable=False]'.")]
    NullGuid,
    /// Both arrays are empty.
    #[error(
        "No license changes provided. At least one license to add or remove must be specified."
    )]
    NothingToDo,
    /// A SKU stands twice in one call. What Graph does then is not known; a client that sends it
    /// should hear of it here.
    #[error("License {0} is specified more than once in the request.")]
    Twice(SkuId),
    /// The tenant does not own the SKU, or not in a state that allows assignments.
    #[error("License {0} does not correspond to a valid company License.")]
    UnknownSku(SkuId),
    /// The SKU is for the company.
    #[error("License {0} cannot be assigned to a user.")]
    CompanySku(SkuId),
    /// A service plan is not in the SKU. Graph's own words are not known.
    #[error("The service plan {plan} does not belong to the subscription with SKU {sku}.")]
    PlanNotInSku {
        /// The service plan.
        plan: ServicePlanId,
        /// The SKU.
        sku: SkuId,
    },
    /// The license comes from a group alone.
    #[error(
        "User license is inherited from a group membership and it cannot be removed directly \
         from the user."
    )]
    Inherited,
    /// The user does not hold the SKU.
    #[error("User does not have a corresponding license.")]
    NotHeld,
    /// The user has no usage location.
    #[error("License assignment cannot be done for user with invalid usage location.")]
    NoUsageLocation,
    /// No seat is free.
    #[error("Subscription with SKU {0} does not have any available licenses.")]
    NoSeats(SkuId),
    /// Two service plans cannot stand side by side.
    #[error(
        "License assignment failed because service plans {}, {} are mutually exclusive.",
        plans[0], plans[1]
    )]
    Exclusive {
        /// The two, in order.
        plans: [ServicePlanId; 2],
    },
    /// A service plan needs another one.
    #[error(
        "License assignment failed because service plan {plan} depends on the service plan(s) {}",
        joined(needs)
    )]
    Dependency {
        /// The one.
        plan: ServicePlanId,
        /// What it needs; any of them does.
        needs: Vec<ServicePlanId>,
    },
    /// The product must not be used where the user is. Graph's own words are not known.
    #[error("License {0} cannot be assigned to a user in this usage location.")]
    Prohibited(SkuId),
    /// Another object has the address that the user would get.
    #[error("Another object with the same value for property proxyAddresses already exists.")]
    AddressTaken,
    /// A group of this kind carries no licenses. Graph's own words are not known.
    #[error("Licenses cannot be assigned to a group that is not security enabled.")]
    NoCarrier,
    /// The usage location is kept on premises.
    #[error(
        "Unable to update the specified properties for on-premises mastered Directory Sync \
         objects or objects currently undergoing migration."
    )]
    LocationSynced,
    /// A usage location is not one.
    #[error("Invalid value specified for property 'usageLocation' of resource 'User'.")]
    InvalidLocation,
    /// A location is taken from a user who holds licenses.
    #[error("Usage location of a user with assigned licenses cannot be removed.")]
    LocationInUse,
}

fn joined(plans: &[ServicePlanId]) -> String {
    plans.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

//! Well-known products: real ids, real service plans.
//!
//! For tenants that are made up: the sandbox, and those that policy tests run in. Of a real tenant the
//! program learns its products from `subscribedSkus`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::ids::{ServicePlanId, SkuId};
use crate::domain::sku::{AppliesTo, ServicePlan};

const TABLE: &str = include_str!("products.txt");

/// A product as Microsoft sells it.
#[derive(Clone, Debug)]
pub struct Product {
    /// The id.
    pub id: SkuId,
    /// The name (`skuPartNumber`).
    pub part_number: Arc<str>,
    /// Whom it is for.
    pub applies_to: AppliesTo,
    /// Its service plans.
    pub service_plans: Vec<ServicePlan>,
}

/// All products of the table, by part number.
#[derive(Clone, Debug)]
pub struct Products {
    by_name: BTreeMap<Arc<str>, Product>,
}

impl Products {
    /// Reads the table.
    pub fn published() -> Self {
        let mut plans = BTreeMap::new();
        let mut by_name = BTreeMap::new();
        for line in TABLE.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["plan", name, id, applies_to] => {
                    plans.insert(name, service_plan(name, id, applies_to));
                }
                ["sku", name, id, applies_to, ref parts @ ..] => {
                    let part = |part: &&str| plans.get(part).cloned();
                    let service_plans = parts.iter().filter_map(part).collect();
                    let product = product(name, id, applies_to, service_plans);
                    by_name.insert(product.part_number.clone(), product);
                }
                _ => {}
            }
        }
        Self { by_name }
    }

    /// Returns the product of this part number.
    pub fn named(&self, part_number: &str) -> Option<&Product> {
        self.by_name.get(part_number)
    }

    /// Returns the part numbers, in order.
    pub fn part_numbers(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(|name| &**name)
    }
}

fn product(name: &str, id: &str, applies_to: &str, service_plans: Vec<ServicePlan>) -> Product {
    let id: SkuId = id.parse().expect("the table holds GUIDs");
    Product { id, part_number: name.into(), applies_to: whom(applies_to), service_plans }
}

fn service_plan(name: &str, id: &str, applies_to: &str) -> ServicePlan {
    let id: ServicePlanId = id.parse().expect("the table holds GUIDs");
    ServicePlan { id, name: name.into(), applies_to: whom(applies_to) }
}

fn whom(word: &str) -> AppliesTo {
    match word {
        "Company" => AppliesTo::Company,
        _ => AppliesTo::User,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        let products = Products::published();
        let plans = |name: &str| products.named(name).unwrap().service_plans.len();
        // Source: the published table; what a suite holds there.
        assert_eq!([plans("SPE_E3"), plans("SPE_E5"), plans("SPE_F1")], [51, 86, 39]);
        let e5 = products.named("SPE_E5").unwrap();
        assert_eq!(e5.id.to_string(), "06ebc4ee-1bb5-47dd-8120-11324bc54e06");
        let company = e5.service_plans.iter().filter(|plan| plan.applies_to == AppliesTo::Company);
        assert!(company.count() > 0);
        assert_eq!(products.named("SHAREPOINTSTORAGE").unwrap().applies_to, AppliesTo::Company);
        for name in products.part_numbers() {
            let words = TABLE.lines().find(|line| line.starts_with(&format!("sku {name} ")));
            assert_eq!(words.unwrap().split_whitespace().count() - 4, plans(name), "{name}");
        }
    }
}

//! Administrative units of a described tenant, and what else gets in the way of a license there.

use std::collections::BTreeSet;

use crate::domain::names::UsageLocation;
use crate::sandbox::chance::Chance;
use crate::sandbox::document::{ObstacleDocument, Reader, TenantDocument};
use crate::sandbox::model::{Member, Obstacles, Unit, User};

impl Reader {
    /// Reads them. `users` are those of the document, in its order.
    pub(super) fn obstacles(&mut self, document: &TenantDocument, users: &[User]) -> Obstacles {
        let mut obstacles = Obstacles { units: self.units(document), ..Obstacles::default() };
        for (index, (of, user)) in document.users.iter().zip(users).enumerate() {
            for name in &of.units {
                let mut named = obstacles.units.iter_mut().filter(|unit| *unit.name == **name);
                match named.next() {
                    Some(unit) => unit.members.push(Member::User(user.id)),
                    None => {
                        let message = format!("there is no administrative unit `{name}`");
                        self.problem(&format!("users[{index}]"), message);
                    }
                }
            }
            for obstacle in &of.obstacles {
                match obstacle {
                    ObstacleDocument::AddressTaken => obstacles.addresses_taken.insert(user.id),
                    ObstacleDocument::LocationSynced => obstacles.locations_synced.insert(user.id),
                };
            }
        }
        for (index, sku) in document.skus.iter().enumerate() {
            let countries = self.countries(&format!("skus[{index}]"), &sku.not_in);
            let product = self.products.named(&sku.sku);
            if let Some(product) = product.filter(|_| !countries.is_empty()) {
                obstacles.prohibited.insert(product.id, countries);
            }
        }
        obstacles
    }

    fn units(&mut self, document: &TenantDocument) -> Vec<Unit> {
        let mut names = BTreeSet::new();
        let mut units = Vec::new();
        for (index, unit) in document.units.iter().enumerate() {
            if !names.insert(&unit.name) {
                let message = format!("administrative unit `{}` is there twice", unit.name);
                self.problem(&format!("units[{index}]"), message);
            }
            units.push(Unit {
                id: Chance::new(self.seed, "unit", index as u64).guid(),
                name: unit.name.as_str().into(),
                hidden: unit.hidden,
                restricted: unit.restricted,
                members: Vec::new(),
            });
        }
        units
    }

    fn countries(&mut self, at: &str, names: &[String]) -> BTreeSet<UsageLocation> {
        let mut countries = BTreeSet::new();
        for name in names {
            match name.parse() {
                Ok(country) => {
                    countries.insert(country);
                }
                Err(error) => self.problem(at, format!("{error}")),
            }
        }
        countries
    }
}

//! The people of the company: accounts with names, places and attributes.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::domain::ids::UserId;
use crate::domain::products::{Product, Products};
use crate::domain::user::{ServicePlanSet, UserType};
use crate::sandbox::chance::Chance;
use crate::sandbox::company::instant;
use crate::sandbox::company::names::{self, Name};
use crate::sandbox::company::situations::{
    self, ALL_BUT_CONTRACTORS, CONTRACTOR_PLANS, Country, Department, Part, Situation,
};
use crate::sandbox::model::{Direct, Held, OnPremises, Profile, SignIns, User};

/// A user and the groups that hold the user.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) user: User,
    pub(super) groups: Vec<&'static str>,
}

/// Makes this many people.
pub(super) fn hire(users: usize, seed: u64, products: &Products) -> Vec<Person> {
    let mut taken: BTreeMap<String, u32> = BTreeMap::new();
    let mut order: BTreeMap<Part, usize> = BTreeMap::new();
    let mut person = |index: usize| {
        let part = situations::part(index);
        let k = order.entry(part).or_default();
        let situation = situations::situation(part, *k);
        let desk = Desk { part, k: *k, index };
        *k += 1;
        let mut chance = Chance::new(seed, "user", index as u64);
        let id = UserId::from_uuid(chance.guid());
        let (given, surname) = desk.name(&mut chance);
        let principal_name = desk.principal_name(given, surname, &mut taken);
        let user = User {
            id,
            display_name: format!("{} {}", given.0, surname.0).into(),
            given_name: Some(given.0.into()),
            surname: Some(surname.0.into()),
            mail: desk.mail(&principal_name, &situation),
            enabled: situation.enabled,
            user_type: desk.user_type(),
            usage_location: situation.location.map(|code| code.parse().expect("two letters")),
            profile: desk.profile(&mut chance),
            on_premises: desk.on_premises(given, surname, &principal_name),
            created_at: created(&mut chance),
            sign_ins: desk.sign_ins(seed, &situation),
            licenses: licenses(&situation, products),
            principal_name,
        };
        Person { user, groups: situation.groups }
    };
    (0..users).map(&mut person).collect()
}

/// Returns the ids of these service plans of a product; `*` stands for all but a contractor's.
pub(super) fn plans(product: &Product, names: &[&str]) -> ServicePlanSet {
    let wanted = |name: &str| match names {
        names if names == ALL_BUT_CONTRACTORS => !CONTRACTOR_PLANS.contains(&name),
        names => names.contains(&name),
    };
    let switchable = crate::domain::sku::AppliesTo::User;
    product
        .service_plans
        .iter()
        .filter(|plan| plan.applies_to == switchable && wanted(&plan.name))
        .map(|plan| plan.id)
        .collect()
}

fn licenses(situation: &Situation, products: &Products) -> Vec<Held> {
    let since = instant("2026-03-02T09:12:44Z");
    let held = |(sku, off): &situations::Direct| {
        let product = products.named(sku)?;
        let direct = Direct { disabled: plans(product, off), since };
        Some(Held { sku: product.id, direct: Some(direct), inherited: Vec::new() })
    };
    situation.licenses.iter().filter_map(held).collect()
}

fn created(chance: &mut Chance) -> Timestamp {
    let days = i64::try_from(chance.below(2_500)).expect("a small number fits");
    let earliest = instant("2019-01-07T08:00:00Z");
    earliest + SignedDuration::from_hours(days * 24)
}

/// When nobody has signed in later.
const TODAY: &str = "2026-11-23T06:00:00Z";

/// Where somebody sits.
#[derive(Clone, Copy)]
struct Desk {
    part: Part,
    k: usize,
    index: usize,
}

impl Desk {
    /// A few people are always the same, so that documents can speak of them.
    fn name(self, chance: &mut Chance) -> (Name, Name) {
        match (self.part, self.k) {
            (Part::Engineering, 0) => (("Ana", "ana"), ("Berg", "berg")),
            (Part::Cloud, 0) => (("Break", "break"), ("Glass", "glass")),
            (Part::Cloud, 1) => (("Lena", "lena"), ("Hartmann", "hartmann")),
            (Part::Cloud, 2) => (("Jonas", "jonas"), ("Keller", "keller")),
            (_, _) => names::draw(chance),
        }
    }

    fn principal_name(
        self,
        given: Name,
        surname: Name,
        taken: &mut BTreeMap<String, u32>,
    ) -> Box<str> {
        let base = format!("{}.{}", given.1, surname.1);
        let count = taken.entry(base.clone()).or_default();
        *count += 1;
        let local = if *count == 1 { base } else { format!("{base}{count}") };
        match self.part {
            Part::Guest => format!("{local}_fabrikam.com#EXT#@contoso.onmicrosoft.com").into(),
            Part::Cloud if self.k == 0 => "breakglass@contoso.onmicrosoft.com".into(),
            Part::Store(_) => format!("{local}@stores.contoso.com").into(),
            Part::Contractor => format!("{local}@partners.contoso.com").into(),
            Part::Engineering | Part::Office(_) | Part::Leaver | Part::Cloud => {
                format!("{local}@contoso.com").into()
            }
        }
    }

    fn mail(self, principal_name: &str, situation: &Situation) -> Option<Box<str>> {
        match self.part {
            Part::Guest => {
                principal_name.split_once("#EXT#").map(|(local, _)| local.replace('_', "@").into())
            }
            Part::Engineering
            | Part::Office(_)
            | Part::Store(_)
            | Part::Contractor
            | Part::Leaver
            | Part::Cloud => (!situation.licenses.is_empty()).then(|| principal_name.into()),
        }
    }

    /// Most people signed in lately; leavers, a few guests, some shops' accounts and one office account
    /// in twenty have not for months, and a few never did.
    fn sign_ins(self, seed: u64, situation: &Situation) -> Option<SignIns> {
        // A chance of its own, so that nobody gets another name for it.
        let mut chance = Chance::new(seed, "sign-in", self.index as u64);
        let days = match (self.part, self.k % 20) {
            // The door that nobody has had to open, and joiners.
            (Part::Cloud | Part::Engineering, 0) | (Part::Guest | Part::Contractor, 5) => {
                return None;
            }
            (Part::Leaver, _) => 40 + chance.below(200),
            (Part::Guest, 0..=9) | (Part::Office(_), 16) | (Part::Store(_), 10 | 11) => {
                95 + chance.below(250)
            }
            (_, _) if !situation.enabled => 60 + chance.below(60),
            (_, _) => chance.below(12),
        };
        let hours = |number: u64| {
            let number = i64::try_from(number).expect("a small number fits");
            instant(TODAY) - SignedDuration::from_hours(number)
        };
        let attempted = hours(days * 24 + chance.below(20));
        // Shops share tills that no app is signed in to.
        let silent = match self.part {
            Part::Store(_) | Part::Guest => None,
            Part::Engineering | Part::Office(_) | Part::Contractor | Part::Leaver | Part::Cloud => {
                Some(attempted + SignedDuration::from_hours(2))
            }
        };
        let successful = silent.unwrap_or(attempted);
        Some(SignIns { attempted: Some(attempted), silent, successful: Some(successful) })
    }

    fn user_type(self) -> Option<UserType> {
        match self.part {
            Part::Guest => Some(UserType::Guest),
            // Synchronised before there were guests: never got a type.
            Part::Office(Department::People) if self.k == 0 => None,
            Part::Engineering
            | Part::Office(_)
            | Part::Store(_)
            | Part::Contractor
            | Part::Leaver
            | Part::Cloud => Some(UserType::Member),
        }
    }

    fn profile(self, chance: &mut Chance) -> Profile {
        let (department, title, office): (&str, &str, &[&str]) = match self.part {
            Part::Engineering => ("Engineering", "Engineer", &["Berlin", "Lyon"]),
            Part::Office(Department::Sales) => ("Sales, Marketing", "Account Manager", &["Berlin"]),
            Part::Office(Department::Finance) => ("Finance", "Analyst", &["Berlin", "Hamburg"]),
            Part::Office(Department::People) => ("Human Resources", "Partner", &["Berlin"]),
            Part::Office(Department::Technology) => ("IT", "Administrator", &["Berlin"]),
            Part::Store(Country::Germany) => ("Stores", "Sales Assistant", &["Berlin", "Köln"]),
            Part::Store(Country::France) => ("Stores", "Conseiller de vente", &["Lyon", "Lille"]),
            Part::Contractor => ("Engineering", "Consultant", &["Berlin"]),
            Part::Leaver => ("Leavers", "", &[""]),
            Part::Guest | Part::Cloud => return Profile::default(),
        };
        let country = if self.part == Part::Store(Country::France) {
            "France"
        } else if self.index.is_multiple_of(7) {
            // Whatever somebody typed.
            "DE"
        } else {
            "Germany"
        };
        let text = |text: &str| (!text.is_empty()).then(|| Arc::from(text));
        let kind = if self.part == Part::Contractor { "Contractor" } else { "Employee" };
        Profile {
            department: text(department),
            job_title: text(title),
            company: text("Contoso GmbH"),
            country: text(country),
            office: text(chance.pick::<&str>(office)),
            employee_type: text(kind),
            employee_id: Some(format!("{}", 10_000 + self.index).into()),
            extensions: self.extensions(),
        }
    }

    /// The first holds the cost centre, the tenth who may work away from the office.
    fn extensions(self) -> Vec<(u8, Arc<str>)> {
        let cost_centre = match self.part {
            Part::Engineering => "CC-2100",
            Part::Office(Department::Sales) => "CC-3100",
            Part::Office(Department::Finance) => "CC-4100",
            Part::Office(Department::People) => "CC-4200",
            Part::Office(Department::Technology) => "CC-4300",
            Part::Store(Country::Germany) => "CC-5100-DE",
            Part::Store(Country::France) => "CC-5100-FR",
            Part::Contractor => "CC-2900",
            Part::Leaver | Part::Guest | Part::Cloud => return Vec::new(),
        };
        let remote =
            (self.part == Part::Engineering && self.k.is_multiple_of(3)).then_some("remote");
        let numbered = [(1, Some(cost_centre)), (10, remote)];
        numbered.into_iter().filter_map(|(number, text)| Some((number, text?.into()))).collect()
    }

    fn on_premises(self, given: Name, surname: Name, upn: &str) -> Option<OnPremises> {
        let (unit, domain) = self.unit()?;
        let below = domain.split('.').map(|part| format!("DC={part}")).collect::<Vec<_>>();
        let local = upn.split_once('@').map_or(upn, |(local, _)| local);
        // Active Directory shows the surname first, has to escape the comma, and tells two people
        // of one name apart.
        let number = local.trim_start_matches(|letter: char| !letter.is_ascii_digit());
        let blank = if number.is_empty() { "" } else { " " };
        let name = format!("CN={}\\, {}{blank}{number}", surname.0, given.0);
        // Twenty characters are the most that an account name has.
        let account: String = local.chars().filter(|letter| *letter != '\'').collect();
        let account = match account.char_indices().nth(14) {
            Some((end, _)) => format!("{}{:06}", &account[..end], self.index % 1_000_000),
            None => account,
        };
        Some(OnPremises {
            distinguished_name: format!("{name},{unit},{}", below.join(",")).into(),
            domain: domain.into(),
            account: account.into(),
        })
    }

    /// Returns the OU and the AD domain.
    fn unit(self) -> Option<(String, &'static str)> {
        let shop = |names: [&str; 3]| names[self.k % 3].to_owned();
        Some(match self.part {
            Part::Engineering => ("OU=Engineering,OU=People".to_owned(), CORP),
            Part::Office(Department::Sales) => ("OU=Sales\\, Marketing,OU=People".to_owned(), CORP),
            Part::Office(Department::Finance) => ("OU=Finance,OU=People".to_owned(), CORP),
            Part::Office(Department::People) => ("OU=Human Resources,OU=People".to_owned(), CORP),
            Part::Office(Department::Technology) => ("OU=IT,OU=People".to_owned(), CORP),
            Part::Store(Country::Germany) => {
                let shop = shop(["Berlin", "Hamburg", "Köln"]);
                (format!("OU={shop},OU=Germany,OU=Stores"), RETAIL)
            }
            Part::Store(Country::France) => {
                let shop = shop(["Lyon", "Lille", "Nice"]);
                (format!("OU={shop},OU=France,OU=Stores"), RETAIL)
            }
            Part::Contractor => ("OU=Contractors".to_owned(), CORP),
            Part::Leaver => ("OU=Leavers".to_owned(), CORP),
            Part::Guest | Part::Cloud => return None,
        })
    }
}

const CORP: &str = "corp.contoso.com";
const RETAIL: &str = "retail.contoso.com";

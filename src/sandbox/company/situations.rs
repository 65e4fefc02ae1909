//! Who is in which situation: part of the company, licenses, groups, location. One arm a situation,
//! so that what the first plan shows can be read here.

use crate::sandbox::company::{E5_CARRIER, VISIO_CARRIER};

/// A part of the company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Engineering,
    Office(Department),
    Store(Country),
    Contractor,
    Leaver,
    Guest,
    Cloud,
}

/// A department of the head office.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Department {
    Sales,
    Finance,
    People,
    Technology,
}

/// A country with shops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Country {
    Germany,
    France,
}

/// A direct license: SKU and the service plans that are off.
pub(super) type Direct = (&'static str, &'static [&'static str]);

/// How one person stands.
#[derive(Clone, Debug)]
pub(super) struct Situation {
    pub(super) licenses: Vec<Direct>,
    pub(super) groups: Vec<&'static str>,
    pub(super) location: Option<&'static str>,
    pub(super) enabled: bool,
}

const YAMMER: &[&str] = &["YAMMER_ENTERPRISE"];

/// What is on in a contractor's F3; everything else is off. The contractors' policy says the same.
pub(super) const CONTRACTOR_PLANS: [&str; 7] = [
    "AAD_PREMIUM",
    "EXCHANGE_S_DESKLESS",
    "INTUNE_A",
    "MFA_PREMIUM",
    "OFFICEMOBILE_SUBSCRIPTION",
    "SHAREPOINTDESKLESS",
    "TEAMS1",
];

/// Stands for "all but [`CONTRACTOR_PLANS`]".
pub(super) const ALL_BUT_CONTRACTORS: &[&str] = &["*"];

/// Returns the part of the company that the user with this index belongs to: 100 users in a row
/// hold every part in its proportion.
pub(super) fn part(index: usize) -> Part {
    match (index % 100 * 37) % 100 {
        0..=19 => Part::Engineering,
        20..=33 => Part::Office(Department::Sales),
        34..=43 => Part::Office(Department::Finance),
        44..=48 => Part::Office(Department::People),
        49..=55 => Part::Office(Department::Technology),
        56..=73 => Part::Store(Country::Germany),
        74..=83 => Part::Store(Country::France),
        84..=89 => Part::Contractor,
        90..=93 => Part::Leaver,
        94..=97 => Part::Guest,
        _ => Part::Cloud,
    }
}

/// Returns how the `k`th person of a part stands.
pub(super) fn situation(part: Part, k: usize) -> Situation {
    match part {
        Part::Engineering => engineer(k),
        Part::Office(department) => office(department, k),
        Part::Store(country) => store(country, k),
        Part::Contractor => contractor(k),
        Part::Leaver => leaver(k),
        Part::Guest => guest(k),
        Part::Cloud => cloud(k),
    }
}

fn at(location: &'static str) -> Situation {
    Situation { licenses: vec![], groups: vec![], location: Some(location), enabled: true }
}

fn engineer(k: usize) -> Situation {
    let mut person = at(if k % 10 == 9 { "FR" } else { "DE" });
    person.groups.push(match k % 4 {
        0 => "Engineering",
        1 => "Data Engineering",
        2 => "Site Reliability",
        // In the OU alone.
        _ => "All Employees",
    });
    let on_platform = [E5_CARRIER, "Platform Team"];
    match k % 50 {
        // A joiner: nothing yet, not even a location.
        0 => person.location = None,
        1 | 2 => {}
        3..=7 => person.licenses.push(("SPE_E3", &[])),
        8 | 9 => person.licenses.push(("ENTERPRISEPACK", &[])),
        10..=12 => person.licenses.push(("SPE_E5", &[])),
        13 => person.licenses.push(("SPE_E5", &["SWAY", "YAMMER_ENTERPRISE"])),
        15..=17 => person.groups.extend(on_platform),
        18 | 19 => {
            person.licenses.push(("SPE_E5", YAMMER));
            person.groups.extend(on_platform);
        }
        // The group gives E5 already; the old license was forgotten.
        20 => {
            person.licenses.push(("SPE_E3", &[]));
            person.groups.extend(on_platform);
        }
        25 => {
            person.location = None;
            person.licenses.push(("SPE_E5", YAMMER));
        }
        _ => person.licenses.push(("SPE_E5", YAMMER)),
    }
    person
}

fn office(department: Department, k: usize) -> Situation {
    let mut person = at("DE");
    person.groups.push("All Employees");
    match (department, k % 20) {
        (Department::Finance, 1 | 7 | 13 | 19) => person.groups.push("Controllers"),
        (Department::Finance, _) => person.groups.push("Finance Analysts"),
        (Department::Technology, 0 | 10) => person.groups.push("Engineering"),
        (Department::People, 3 | 4) => person.groups.push("Works Council"),
        (Department::Sales, 5 | 6) => person.groups.push("Project Phoenix"),
        (Department::Sales | Department::People | Department::Technology, _) => {}
    }
    // Four analysts in five have their Power BI already.
    if department == Department::Finance && k % 5 != 4 {
        person.licenses.push(("POWER_BI_PRO", &[]));
    }
    match k % 20 {
        8 => {}
        // Nobody has said where this person works, and no policy does.
        9 => {
            person.location = None;
            person.licenses.clear();
        }
        11 | 12 => person.licenses.push(("ENTERPRISEPACK", &[])),
        14 if department == Department::Sales => person.licenses.push(("SPE_F1", &[])),
        15 => person.licenses.push(("SPE_E3", &["KAIZALA_O365_P3", "SWAY"])),
        16 => person.licenses.extend([("SPE_E3", &[][..]), ("VISIOCLIENT", &[][..])]),
        17 => {
            person.licenses.push(("SPE_E3", &[]));
            person.groups.push(VISIO_CARRIER);
        }
        // On parental leave: the account sleeps, the desk is kept.
        18 if department == Department::Sales => {
            person.licenses.push(("SPE_E3", &[]));
            person.enabled = false;
        }
        _ => person.licenses.push(("SPE_E3", &[])),
    }
    person
}

fn store(country: Country, k: usize) -> Situation {
    let (here, elsewhere, group) = match country {
        Country::Germany => ("DE", "FR", "Stores Germany"),
        Country::France => ("FR", "DE", "Stores France"),
    };
    let usual: Direct = match country {
        Country::Germany => ("SPE_F1", &[]),
        Country::France => ("SPE_F1", YAMMER),
    };
    let mut person = at(here);
    person.groups.push(group);
    match k % 30 {
        0 | 1 => {}
        2 => person.location = None,
        // Moved to a shop in the other country.
        3 | 4 => {
            person.location = Some(elsewhere);
            person.licenses.push(usual);
        }
        5 => person.licenses.push(("SPE_E3", &[])),
        6 | 7 => person.licenses.push(("SPE_F1", &["SWAY"])),
        _ => person.licenses.push(usual),
    }
    person
}

fn contractor(k: usize) -> Situation {
    let mut person = at("DE");
    person.groups.push(if k.is_multiple_of(2) { "Contractors" } else { "Agency Fabrikam" });
    if k.is_multiple_of(5) {
        person.groups.push("Data Engineering");
    }
    let usual: Direct = ("SPE_F1", ALL_BUT_CONTRACTORS);
    match k % 30 {
        0 | 1 => {}
        2 => person.location = None,
        3 | 4 => person.licenses.push(("SPE_E3", &[])),
        5 | 6 => person.licenses.push(("SPE_F1", &[])),
        7 | 8 => person.licenses.extend([usual, ("VISIOCLIENT", &[])]),
        // What a group gives cannot be taken from the user.
        9 => {
            person.licenses.push(usual);
            person.groups.push(VISIO_CARRIER);
        }
        _ => person.licenses.push(usual),
    }
    person
}

fn leaver(k: usize) -> Situation {
    let mut person = at("DE");
    person.enabled = false;
    match k % 20 {
        0..=6 => person.licenses.push(("SPE_E3", &[])),
        7..=10 => person.licenses.push(("SPE_F1", &[])),
        11 | 12 => person.licenses.extend([("SPE_E5", YAMMER), ("POWER_BI_PRO", &[])]),
        13 => person.licenses.push(("ENTERPRISEPACK", &["SWAY"])),
        _ => {}
    }
    person
}

fn guest(k: usize) -> Situation {
    let mut person = at("FR");
    match k % 20 {
        0 => person.licenses.push(("POWER_BI_PRO", &[])),
        _ => person.location = None,
    }
    person
}

fn cloud(k: usize) -> Situation {
    let mut person = at("DE");
    match k % 10 {
        // The account that opens the door when everything else is locked.
        0 => person.location = None,
        1 => person.licenses.push(("SPE_E3", &[])),
        2 => person.licenses.push(("SPE_E5", YAMMER)),
        3 | 4 => person.licenses.push(("SPE_E3", &["SWAY"])),
        _ => {}
    }
    person
}

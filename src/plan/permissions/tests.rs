use super::*;
use crate::policy;
use crate::policy::list::Lists;
use crate::yaml::SourceFile;

fn policies(text: &str) -> PolicySet {
    let text = format!("policies:\n{text}");
    let file = SourceFile { name: "a.yaml".into(), text: text.as_str().into() };
    policy::load(&[file], &Lists::default()).unwrap().policies
}

fn tasks(text: &str, changes: bool) -> Vec<(Task, bool)> {
    let needs = needs(&policies(text), &"contoso".parse().unwrap(), changes, None);
    needs
        .into_iter()
        .filter(|need| need.weight != Weight::Idle)
        .map(|need| (need.task, need.weight == Weight::Required))
        .collect()
}

fn roles(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(ToString::to_string).collect()
}

const PLAIN: &str = "  - {name: a, match: {group: A}, licenses: [SPE_E3]}\n";
const LOCATING: &str =
    "  - {name: b, match: {group: A}, licenses: [SPE_E3], usage_location: {set: DE}}\n";
const IDLE: &str =
    "  - {name: c, match: {inactive_for: 90d}, action: remove, licenses: [SPE_E3]}\n";

#[test]
fn what_is_needed_follows_from_policies_and_mode() {
    use Task::{
        ReadGroups, ReadSignIns, ReadSkus, ReadSubscriptions, ReadUsers, WriteLicenses,
        WriteLocations,
    };
    let always =
        vec![(ReadUsers, true), (ReadGroups, true), (ReadSkus, true), (ReadSubscriptions, false)];
    let with = |more: &[(Task, bool)]| [always.as_slice(), more].concat();
    assert_eq!(tasks(PLAIN, false), with(&[(WriteLicenses, false)]));
    assert_eq!(tasks(PLAIN, true), with(&[(WriteLicenses, true)]));
    assert_eq!(tasks(LOCATING, true), with(&[(WriteLicenses, true), (WriteLocations, true)]));
    assert_eq!(tasks(LOCATING, false), with(&[(WriteLicenses, false), (WriteLocations, false)]));
    assert_eq!(tasks(IDLE, false), with(&[(ReadSignIns, true), (WriteLicenses, false)]));
    let elsewhere = LOCATING.replace("name: b,", "name: b, tenants: [fabrikam],");
    assert_eq!(tasks(&elsewhere, true), with(&[(WriteLicenses, true)]));
}

#[test]
fn a_permission_that_allows_more_serves_too() {
    let directory = roles(&["Directory.Read.All"]);
    assert_eq!(
        standing(Task::ReadUsers, &directory),
        Standing::Covered("Directory.Read.All".into())
    );
    assert_eq!(standing(Task::WriteLicenses, &directory), Standing::Missing);
    assert_eq!(standing(Task::ReadSignIns, &directory), Standing::Missing);
    // Reading and writing licenses are two permissions, and neither is part of the other.
    let writes = roles(&["LicenseAssignment.ReadWrite.All"]);
    assert_eq!(standing(Task::ReadSkus, &writes), Standing::Missing);
    assert_eq!(standing(Task::WriteLicenses, &writes), Standing::Present);
}

fn in_excess(names: &[&str]) -> Vec<(String, Option<&'static str>)> {
    let needs = needs(&policies(PLAIN), &"contoso".parse().unwrap(), true, None);
    let excess = excess(&needs, &roles(names));
    excess.into_iter().map(|one| (one.role, one.instead_of.map(|least| least.name))).collect()
}

#[test]
fn what_nothing_uses_is_in_excess_and_what_serves_for_less_is_told() {
    let least = [
        "User.Read.All",
        "GroupMember.Read.All",
        "LicenseAssignment.Read.All",
        "LicenseAssignment.ReadWrite.All",
        "Organization.Read.All",
    ];
    assert_eq!(in_excess(&least), []);
    // A policy names a group, and where this is granted none looks hidden.
    assert_eq!(in_excess(&[&least[..], &["Member.Read.Hidden"]].concat()), []);
    let more = [&least[..], &["Mail.Read", "User.ReadWrite.All"]].concat();
    assert_eq!(
        in_excess(&more),
        [("Mail.Read".to_owned(), None), ("User.ReadWrite.All".to_owned(), None)]
    );
    assert_eq!(
        in_excess(&["Directory.Read.All", "LicenseAssignment.ReadWrite.All"]),
        [("Directory.Read.All".to_owned(), Some("User.Read.All"))]
    );
    // Of two that do the same, one could go.
    assert_eq!(
        in_excess(&[
            "Directory.Read.All",
            "Directory.ReadWrite.All",
            "LicenseAssignment.ReadWrite.All"
        ]),
        [
            ("Directory.Read.All".to_owned(), Some("User.Read.All")),
            ("Directory.ReadWrite.All".to_owned(), None)
        ]
    );
}

/// Taking away all that is in excess without an use takes away nothing that was allowed.
#[test]
fn nothing_that_is_allowed_hangs_on_what_is_in_excess() {
    let needs = needs(&policies(LOCATING), &"contoso".parse().unwrap(), true, None);
    let all = [
        "User.Read.All",
        "User.ReadWrite.All",
        "GroupMember.Read.All",
        "Group.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
        "Organization.Read.All",
        "LicenseAssignment.ReadWrite.All",
    ];
    for bits in 0..1_u32 << all.len() {
        let held: BTreeSet<String> = (0..all.len())
            .filter(|at| bits & (1 << at) != 0)
            .map(|at| all[at].to_owned())
            .collect();
        let mut left = held.clone();
        for one in excess(&needs, &held).iter().filter(|one| one.instead_of.is_none()) {
            left.remove(&one.role);
        }
        for need in &needs {
            let before = standing(need.task, &held) != Standing::Missing;
            assert_eq!(before, standing(need.task, &left) != Standing::Missing, "{held:?}");
        }
    }
}
